internal import API
internal import ArgumentParser
internal import Imaging
internal import Models
internal import Support
internal import Tasks

/// `martlet detect IMAGE…`: the objects in image files, in numbers and drawn.
struct Detect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find objects in image files.",
        discussion: """
            Boxes are in pixels of the upright image: xmin, ymin, xmax, ymax. Of boxes of one class that overlap by more than \
            --nms the best is kept.
            """
    )

    @Argument(help: "Image files.", completion: .images)
    var images: [String]

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one that finds objects.",
        completion: .models
    )
    var modelName: String?

    @Option(help: "The lowest score of an object that is listed; the model's, or 0.25.")
    var threshold: Double?

    @Option(help: "The overlap beyond which the worse of two boxes is dropped; the model's, or 0.45.")
    var nms: Double?

    @Option(name: .customLong("top-k"), help: "How many objects to list at most.")
    var topK = 100

    @Option(help: "How many regions an R-CNN looks at; the model's limit.")
    var proposals: Int?

    @Option(
        name: .customLong("output"),
        help: "The PNG to draw the boxes in; of several images a folder for one of each.",
        completion: .file()
    )
    var path: String?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        for (name, value) in [("threshold", threshold), ("nms", nms)] {
            guard let value, !(0...1 ~= value) else { continue }
            throw ValidationError("--\(name) must be from 0 to 1, found \(value)")
        }
        if let proposals, !RegionDescription.limits.contains(proposals) {
            let limit = RegionDescription.limits.upperBound
            throw ValidationError("--proposals must be 1 to \(limit), found \(proposals)")
        }
        if topK < 1 { throw ValidationError("--top-k must be at least 1, found \(topK)") }
    }

    func run() throws {
        let model = try models.model(modelName, for: "objects") { $0.manifest.task == .objectDetection }
        let engine = try CommandEngine(threads: threads.count, lanes: threads.count)
        defer { engine.stop() }
        var options = ObjectDetector.Options()
        (options.threshold, options.overlap, options.topK) = (threshold, nms, topK)
        options.proposals = proposals
        let answer = DetectionAnswer(model)
        try PictureRun(names: images, path: path, output: output).run(
            ImageStream(model, engine, options),
            of: model,
            png: { try PNGEncoder.encode(answer.drawn($1, on: engine.picture(of: $0))) }
        ) { (answer.json($0), Self.table($0.detections)) }
    }

    private static func table(_ detections: [Detection]) -> String {
        guard !detections.isEmpty else { return "nothing was found" }
        return TextTable(
            columns: ["score", "class", "xmin", "ymin", "xmax", "ymax"],
            rows: detections.map { detection in
                let box = detection.box
                return [percent(Double(detection.score)), detection.name]
                    + [box.left, box.top, box.right, box.bottom].map { "\(($0 * 10).rounded() / 10)" }
            }
        ).text
    }
}
