internal import ArgumentParser
internal import Serving

/// `martlet predict TEXT…`: predictions of a sequence model, without a daemon.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Predict from texts, or from sequences of tokens or features given as JSON."
    )

    @Argument(help: "Texts; for a model of tokens or features JSON arrays, such as '[3, 1, 4]'.")
    var instances: [String]

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one for sequences."
    )
    var modelName: String?

    @Option(name: .customLong("top-k"), help: "How many classes to list.")
    var topK = 3

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        guard topK >= 1 else { throw ValidationError("--top-k must be at least 1, found \(topK)") }
    }

    func run() throws {
        let model = try models.model(modelName, for: "sequences") { $0.manifest.task != .imageClassification }
        let scheduler = try Scheduler(threads: threads.count)
        defer { scheduler.stop() }
        var request = PredictRequest(instances: try instances.map { try instance($0, model) })
        request.topK = topK
        let answers = try SequencePredictor(scheduler: scheduler).predict(request.instances, with: model)
        output.print(
            json: .object(["predictions": .array(answers.map { request.json($0, labels: model.labels) })]),
            text: zip(instances, answers).map { text($0, $1, model.labels) }.joined(separator: "\n\n")
        )
    }

    /// A text stands for itself; anything else is written as JSON.
    private func instance(_ argument: String, _ model: Model) throws -> JSONValue {
        if case .text = model.manifest.input { return .string(argument) }
        return try JSONValue(parsing: Array(argument.utf8))
    }

    private func text(_ instance: String, _ answer: SequencePredictor.Answer, _ labels: [String]?) -> String {
        switch answer.outcome {
        case .classes(let scores): instance + "\n" + TextTable(scores.top(topK, labels: labels)).text
        case .value(let numbers): instance + "\n" + numbers.map(\.description).joined(separator: " ")
        }
    }
}
