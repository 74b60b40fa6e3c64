internal import API
internal import ArgumentParser
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet generate MODEL PROMPT` or `martlet generate --model MODEL PROMPT`: a text that goes on from a prompt, without a daemon.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on from a text, token by token.",
        discussion: "The text is printed while it is made; with --json at its end."
    )

    @Argument(
        help: ArgumentHelp(
            "The model, unless --model names it, and what the text goes on from.",
            discussion: "The prompt may be left out for a model with a start of its own.",
            valueName: "model prompt"
        )
    )
    var words: [String] = []

    @Option(
        name: .customLong("model"),
        help:
            "The model; may be left out too when the folder has one for text-generation and no prompt is given."
    )
    var modelName: String?

    @Option(name: .customLong("max-tokens"), help: "How many tokens to make at most.")
    var maxTokens = 256

    @Option(
        name: .customLong("temperature"),
        help: "Below 1 the likely becomes likelier; 0 takes the likeliest."
    )
    var temperature = 1.0

    @Option(name: .customLong("top-k"), help: "Draw from so many of the likeliest tokens.")
    var topK: Int?

    @Option(
        name: .customLong("top-p"),
        help: "Draw from the likeliest tokens that have this probability together."
    )
    var topP = 1.0

    @Option(name: .customLong("seed"), help: "The same seed gives the same text.")
    var seed: UInt64?

    @Option(name: .customLong("stop"), help: "Ends the text where this string begins; may be given again.")
    var stops: [String] = []

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        let most = modelName == nil ? 2 : 1
        try require(words.count <= most, "expected one prompt, found \(words.count - most + 1); quote it")
        try require(maxTokens >= 1, "--max-tokens must be at least 1, found \(maxTokens)")
        try require(0...100 ~= temperature, "--temperature must be 0 to 100, found \(temperature)")
        if let topK { try require(topK >= 1, "--top-k must be at least 1, found \(topK)") }
        try require(topP > 0 && topP <= 1, "--top-p must be above 0 and at most 1, found \(topP)")
        try require(!stops.contains(""), "--stop must not be empty")
    }

    /// The model that was named, and what is left for a prompt.
    private var named: (model: String?, prompt: String) {
        guard modelName == nil else { return (modelName, words.first ?? "") }
        return (words.first, words.dropFirst().first ?? "")
    }

    private func require(_ isValid: Bool, _ message: String) throws {
        guard isValid else { throw ValidationError(message) }
    }

    func run() throws {
        let (name, prompt) = named
        let model = try models.model(name, for: "texts") { $0.manifest.task == .textGeneration }
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        var options = TextGenerator.Options(seed: seed ?? .random(in: 0...UInt64(UInt32.max)))
        options.maxTokens = maxTokens
        options.sampling.temperature = temperature
        options.sampling.topK = topK
        options.sampling.topP = topP
        options.stops = stops
        let (generation, text) = try engine.wait { [options, isJSON = output.isJSON] in
            var generation = try await TextGenerator(scheduler: engine.scheduler).begin(
                prompt,
                with: model,
                options
            )
            var text = ""
            while let piece = try await generation.next() {
                text += piece.text
                if !isJSON { StandardStream.output.write(text: piece.text) }
            }
            return (generation, text)
        }
        guard output.isJSON else { return StandardStream.output.write(text: "\n") }
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        json.append("text", .string(text))
        json.append(contentsOf: generation.summary)
        output.print(json: .object(json), text: text)
    }
}
