internal import API
internal import ArgumentParser
internal import Imaging
internal import Models
internal import Support
internal import Tasks

/// `martlet segment IMAGE…`: the class of each pixel of image files, in numbers and as pictures.
struct Segment: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell the class of each pixel of image files.",
        discussion: """
            The PNG has a pixel for each of the upright image, whose number is its class, with the model's palette; with \
            --overlay it has the image, with the colours of all classes but the first over it.
            """
    )

    @Argument(help: "Image files.", completion: .images)
    var images: [String]

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one that segments.",
        completion: .models
    )
    var modelName: String?

    @Option(
        name: .customLong("output"),
        help: "The PNG to write; of several images a folder for one of each.",
        completion: .file()
    )
    var path: String?

    @Flag(name: .customLong("overlay"), help: "Draw the classes' colours over the image.")
    var isOverlay = false

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        guard isOverlay, path == nil else { return }
        throw ValidationError("--overlay needs --output, the PNG that it is drawn in")
    }

    func run() throws {
        let model = try models.model(modelName, for: "segments") { $0.manifest.task == .semanticSegmentation }
        let engine = try CommandEngine(threads: threads.count, lanes: threads.count)
        defer { engine.stop() }
        let answer = try SegmentationAnswer(model)
        try PictureRun(names: images, path: path, output: output).run(
            ImageStream<ImageSegmenter.Answer>(model, engine),
            of: model,
            png: { name, found in
                guard isOverlay else { return try answer.png(found.map) }
                return try PNGEncoder.encode(answer.drawn(found, on: engine.picture(of: name)))
            }
        ) { (answer.json($0), Self.table($0.map, model)) }
    }

    private static func table(_ map: ClassMap, _ model: Model) -> String {
        TextTable(
            columns: ["share", "index", "class", "pixels"],
            rows: map.counts.sorted { ($1.pixels, $0.index) < ($0.pixels, $1.index) }.map { index, pixels in
                [
                    percent(Double(pixels) / Double(map.classes.count)), "\(index)", model.className(index),
                    "\(pixels)",
                ]
            }
        ).text
    }
}
