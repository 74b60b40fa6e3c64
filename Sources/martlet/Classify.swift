internal import API
internal import ArgumentParser
internal import Imaging
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet classify IMAGE…`: the most probable classes of image files, without a daemon.
struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Classify image files.")

    @Argument(help: "JPEG or PNG files.")
    var images: [String]

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one for images."
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

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        if let topK, topK < 1 { throw ValidationError("--top-k must be at least 1, found \(topK)") }
    }

    func run() throws {
        let model = try models.model(modelName, for: "images") { $0.manifest.task == .imageClassification }
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        let classifier = ImageClassifier(scheduler: engine.scheduler, limits: ImageLimits())
        let options = ImageClassifier.Options(crops: crops.mode, scales: crops.scales, average: average)
        var answers: [(path: String, answer: ImageClassifier.Answer)] = []
        for path in images {
            let bytes = try FileContents.read(path, maxBytes: 1 << 30)
            do {
                let answer = try engine.wait { () async throws(ServingError) in
                    try await classifier.classify(bytes[...], with: model, options)
                }
                answers.append((path, answer))
            } catch {
                throw CommandError("\(path): \(error)")
            }
        }
        try output.print(
            json: .object(json(answers, model)),
            text: answers.map { text($0, $1, model.labels) }.joined(separator: "\n\n")
        )
    }

    private func json(
        _ answers: [(path: String, answer: ImageClassifier.Answer)],
        _ model: Model
    ) throws -> JSONObject {
        let listing = ImageAnswer(topK: topK, labels: model.labels)
        let results = try answers.map { path, answer in
            var entry: JSONObject = ["path": .string(path)]
            entry.append(contentsOf: try listing.json(answer))
            return JSONValue.object(entry)
        }
        return [
            "model": .string(model.name), "version": .string(model.version), "results": .array(results),
        ]
    }

    private func text(_ path: String, _ answer: ImageClassifier.Answer, _ labels: [String]?) -> String {
        path + "\n" + TextTable(answer.scores.listed(topK, labels: labels)).text
    }
}

extension TextTable {
    /// The classes of an answer, the most probable first.
    init(_ predictions: [ClassScores.Prediction]) {
        columns = ["probability", "index", "label"]
        rows = predictions.map { [percent($0.probability), "\($0.index)", $0.label ?? ""] }
    }
}

/// `99.31 %`.
func percent(_ probability: Double) -> String {
    let hundredths = Int((probability * 10_000).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
}

extension ClassScores.Average: ExpressibleByArgument {}
