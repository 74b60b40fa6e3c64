internal import API
internal import ArgumentParser
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet caption IMAGE…`: a sentence for each image file, and where the network looked for each word.
struct CaptionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption",
        abstract: "Say what is in image files.",
        discussion: """
            The PNG has the image, and again for each word with the word's map over it: the brighter, the more the network \
            looked there. With --temperature, --top-k, --top-p or --seed words are drawn at random; the same seed \
            draws the same.
            """
    )

    @Argument(help: "Image files.", completion: .images)
    var images: [String]

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one that describes images.",
        completion: .models
    )
    var modelName: String?

    @Option(help: "How many captions are looked at side by side, 1 to 16; with more than one all are listed.")
    var beams = 1

    @Option(name: .customLong("max-tokens"), help: "How many tokens a caption may have.")
    var maxTokens: Int?

    @Option(name: .customLong("length-penalty"), help: "How much longer captions are preferred, 0 to 10.")
    var lengthPenalty = 0.0

    @Option(help: "Draw words at random: 0 takes the likeliest, 1 draws by the model's probabilities.")
    var temperature: Double?

    @Option(name: .customLong("top-k"), help: "Draw from so many of the likeliest words.")
    var topK: Int?

    @Option(name: .customLong("top-p"), help: "Draw from the likeliest words with this probability together.")
    var topP: Double?

    @Option(help: "What decides between words.")
    var seed: UInt64?

    @Option(
        name: .customLong("output"),
        help: "The PNG to draw each word's map in; of several images a folder for one of each.",
        completion: .file()
    )
    var path: String?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    private var isSampled: Bool { temperature != nil || topK != nil || topP != nil || seed != nil }

    func validate() throws {
        let ranges = (Translator.Options.beamsRange, Translator.Options.penaltyRange)
        if !ranges.0.contains(beams) { throw ValidationError("--beams must be 1 to 16, found \(beams)") }
        if !ranges.1.contains(lengthPenalty) {
            throw ValidationError("--length-penalty must be 0 to 10, found \(lengthPenalty)")
        }
        for (name, value) in [("max-tokens", maxTokens), ("top-k", topK)] {
            guard let value, value < 1 else { continue }
            throw ValidationError("--\(name) must be at least 1, found \(value)")
        }
        if let temperature, !(0...100 ~= temperature) {
            throw ValidationError("--temperature must be 0 to 100, found \(temperature)")
        }
        if let topP, !(topP > 0 && topP <= 1) {
            throw ValidationError("--top-p must be above 0 and at most 1, found \(topP)")
        }
        if isSampled, beams > 1 {
            throw ValidationError("--beams and words drawn at random exclude each other")
        }
    }

    func run() throws {
        let model = try models.model(modelName, for: "captions") {
            $0.manifest.task == .imageCaptioning
        }
        let engine = try CommandEngine(threads: threads.count, lanes: threads.count)
        defer { engine.stop() }
        let options = self.options
        let answer = CaptionAnswer(options)
        try PictureRun(names: images, path: path, output: output).run(
            ImageStream(model, engine, options),
            of: model,
            png: { try PNGEncoder.encode(answer.drawn($1, on: engine.picture(of: $0))) }
        ) { (answer.json($0), Self.text($0.captions)) }
    }

    private var options: Captioner.Options {
        var options = Captioner.Options()
        options.writing.beams = beams
        options.writing.maxTokens = maxTokens
        options.writing.lengthPenalty = lengthPenalty
        options.wantsMaps = path != nil
        guard isSampled else { return options }
        var rule = Sampler.Rule()
        (rule.temperature, rule.topK, rule.topP) = (temperature ?? 1, topK, topP ?? 1)
        options.sampling = rule
        options.seed = seed ?? Sampler.freshSeed()
        return options
    }

    private static func text(_ captions: [Captioner.Caption]) -> String {
        func words(_ caption: Captioner.Caption) -> String {
            caption.sentence.text ?? caption.sentence.tokens.map { "\($0)" }.joined(separator: " ")
        }
        guard captions.count > 1 else { return words(captions[0]) }
        return TextTable(
            columns: ["score", "caption"],
            rows: captions.map { [fourDigits($0.sentence.score), words($0)] }
        ).text
    }
}
