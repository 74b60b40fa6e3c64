internal import API
internal import ArgumentParser
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet classify IMAGE…`: the most probable classes of image files, one or a million, without a daemon.
struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify image files.",
        discussion: """
            Answers are written as they come, in the order of the files, and no more than a few are held. A file that cannot \
            be classified is named and counted, and the rest goes on; the status is 1 then.
            """
    )

    @Argument(
        help: "Image files; folders, whose images are taken; '-' for names that come through standard input.",
        completion: .images
    )
    var images: [String] = []

    @Option(
        name: .customLong("files-from"),
        help: "A file with the name of an image in each line; '-' is standard input.",
        completion: .file()
    )
    var listPath: String?

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one for images.",
        completion: .models
    )
    var modelName: String?

    @Option(
        name: .customLong("top-k"),
        help:
            "How many classes to list at most; 5, or all that reach the model's threshold, when it is not given."
    )
    var topK: Int?

    @OptionGroup var crops: CropsOption

    @Option(help: "What is averaged over the crops: probabilities or logits.")
    var average: ClassScores.Average = .probabilities

    @Option(
        help:
            "How answers are written: table, csv (a row for each class), jsonl (a line for each image), json."
    )
    var format: ClassifyFormat?

    @Option(
        name: .customLong("output"),
        help: "A file to write to, which appears when all is done; else standard output.",
        completion: .file()
    )
    var outputPath: String?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    /// So many images are enough to say how fast it went.
    private static let worthTiming = 100

    func validate() throws {
        if let topK, topK < 1 { throw ValidationError("--top-k must be at least 1, found \(topK)") }
        guard !images.isEmpty || listPath != nil else {
            throw ValidationError("expected images, as arguments or with --files-from")
        }
        guard images.count(where: { $0 == "-" }) + (listPath == "-" ? 1 : 0) <= 1 else {
            throw ValidationError("standard input can be read once")
        }
        if output.isJSON, let format, format != .json {
            throw ValidationError("--json and --format \(format.rawValue) exclude each other")
        }
    }

    func run() throws {
        let model = try models.model(modelName, for: "images") { $0.manifest.task == .imageClassification }
        var names = try FileNames(images, listedIn: listPath)
        let engine = try CommandEngine(threads: threads.count, lanes: threads.count)
        defer { engine.stop() }
        let options = ImageClassifier.Options(crops: crops.mode, scales: crops.scales, average: average)
        var writer = ClassifyWriter(
            output.isJSON ? .json : format ?? .table,
            of: model,
            topK: topK,
            to: try Destination(outputPath)
        )
        // Answers on the terminal show by themselves how far it has come.
        let isShown = outputPath != nil || !StandardStream.output.isTerminal
        let progress = Progress("classifying", in: .items("images"), isShown: isShown)
        var (count, failed) = (0, 0)
        let start = ContinuousClock.now
        try writer.begin()
        try ImageStream(model, engine, options).run(
            isReady: { names.isReady },
            next: { try names.next() },
            path: { $0 },
            take: { path, outcome in
                if case .failure(let error) = outcome {
                    failed += 1
                    progress.note("martlet: \(path): \(error)")
                }
                count += 1
                try writer.write(path, outcome)
                progress.advance()
            }
        )
        let time = ContinuousClock.now - start
        progress.finish()
        try writer.end()
        if count >= Self.worthTiming { StandardStream.error.writeLine(Self.summary(count, time)) }
        guard count > 0 else { throw CommandError("no images were found") }
        if failed > 0 { throw CommandError("\(failed) of \(count) files could not be classified") }
    }

    private static func summary(_ count: Int, _ time: Duration) -> String {
        let seconds = time / .seconds(1)
        let rate = ProgressLine.amount(Double(count) / seconds, .items(""))
        return "martlet: \(count) images in \(threeDigits(seconds)) s, \(rate) images/s"
    }
}

/// A number with as many digits as a measured time can tell.
func threeDigits(_ value: Double) -> String {
    let scale = value >= 100 ? 1.0 : value >= 10 ? 10 : value >= 1 ? 100 : 1000
    let text = ((value * scale).rounded() / scale).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// `99.31 %`.
func percent(_ probability: Double) -> String {
    let hundredths = Int((probability * 10_000).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
}

extension ClassScores.Average: ExpressibleByArgument {}
