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
        discussion: """
            The text is printed while it is made; with --json at its end. Without a prompt, on a terminal, prompts are asked \
            for one after another; /help there says what else can be said, Ctrl-C stops a text and Ctrl-D leaves.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The model, unless --model names it, and what the text goes on from.",
            discussion: "The prompt may be left out for a model with a start of its own.",
            valueName: "model prompt"
        ),
        completion: .models
    )
    var words: [String] = []

    @Option(
        name: .customLong("model"),
        help:
            "The model; may be left out too when the folder has one for text-generation and no prompt is given.",
        completion: .models
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
        if prompt.isEmpty, !output.isJSON, LineReader.isTerminal, StandardStream.output.isTerminal {
            var session = GenerateSession(model, engine, options, seed: seed, output.terminal)
            return try session.run()
        }
        let writer = TextWriter(model, engine)
        let (generation, text) = try writer.write(prompt, options, isShown: !output.isJSON)
        guard output.isJSON else { return StandardStream.output.write(text: "\n") }
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        json.append("text", .string(text))
        json.append(contentsOf: generation.summary)
        output.print(json: .object(json), text: text)
    }

    private var options: TextGenerator.Options {
        var options = TextGenerator.Options(seed: seed ?? TextWriter.newSeed())
        options.maxTokens = maxTokens
        options.sampling.temperature = temperature
        options.sampling.topK = topK
        options.sampling.topP = topP
        options.stops = stops
        return options
    }
}

/// Has a model go on from a text, and prints what it says while it says it.
struct TextWriter {
    private let model: Model
    private let engine: CommandEngine

    init(_ model: Model, _ engine: CommandEngine) {
        self.model = model
        self.engine = engine
    }

    /// Generates a text.
    ///
    /// - Parameters:
    ///   - prompt: what it goes on from; empty for the model's own start.
    ///   - options: how.
    ///   - isShown: whether it is printed.
    ///   - stop: ends it before its end.
    /// - Returns: the generation as it ended, and the text.
    /// - Throws: `ServingError` when the model cannot go on from that.
    func write(
        _ prompt: String,
        _ options: TextGenerator.Options,
        isShown: Bool,
        until stop: Cancellation = Cancellation()
    ) throws -> (Generation, String) {
        try engine.wait { [model, engine] in
            let generator = TextGenerator(scheduler: engine.scheduler)
            var generation = try await generator.begin(prompt, with: model, options)
            var text = ""
            while !stop.isCancelled, let piece = try await generation.next() {
                text += piece.text
                if isShown { StandardStream.output.write(text: piece.text) }
            }
            return (generation, text)
        }
    }

    /// A number that a person can type again.
    static func newSeed() -> UInt64 { .random(in: 0...UInt64(UInt32.max)) }
}
