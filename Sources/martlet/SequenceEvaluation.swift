internal import API
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// Measures a sequence model on examples: what counts depends on what it answers.
struct SequenceEvaluation {
    /// Sequences that run together.
    private static let atATime = 32

    private let model: Model
    private let engine: CommandEngine
    private let predictor: SequencePredictor

    init(_ model: Model, _ engine: CommandEngine) {
        self.model = model
        self.engine = engine
        predictor = SequencePredictor(scheduler: engine.scheduler)
    }

    /// Measures on the lines of a file.
    ///
    /// - Throws: what is wrong with the file, and `CommandError` for an example that the model does not take.
    func run(jsonLines path: String) throws -> SequenceTally {
        var examples = try TaskExamples(path, of: model)
        return try run(of: nil) { try examples.next() }
    }

    /// Measures on examples that are classified.
    ///
    /// - Throws: `CommandError` for an example that the model does not take.
    func run(_ examples: [LabelledExamples.Example]) throws -> SequenceTally {
        var rest = examples[...]
        return try run(of: examples.count) {
            guard let example = rest.popFirst() else { return nil }
            return TaskExamples.Example(
                place: example.source.clipped(to: 80),
                instance: try model.instance(example.source),
                truth: .classIndex(example.classIndex),
                context: 0
            )
        }
    }

    private func run(of total: Int?, _ next: () throws -> TaskExamples.Example?) throws -> SequenceTally {
        let progress = Progress("evaluating \(model.name)", of: total, in: .items("sequences"))
        defer { progress.finish() }
        var tally = SequenceTally(model)
        let start = ContinuousClock.now
        try OrderedWork.run(
            threads: engine.lanes + 1,
            next: { () -> [TaskExamples.Example]? in
                var part: [TaskExamples.Example] = []
                while part.count < Self.atATime, let example = try next() { part.append(example) }
                return part.isEmpty ? nil : part
            },
            work: { [predictor, engine, model] part in
                (
                    part,
                    Result { () throws(ServingError) in
                        try engine.wait { () async throws(ServingError) in
                            try await predictor.predict(part.map(\.instance), with: model)
                        }
                    }
                )
            },
            take: { part, result in
                guard case .success(let answers) = result else {
                    throw CommandError("\(Self.places(part)): \(Self.fault(result))")
                }
                for (example, answer) in zip(part, answers) {
                    do { try tally.add(example, answer) } catch {
                        throw CommandError("\(example.place): \(error)")
                    }
                }
                progress.advance(by: part.count)
            }
        )
        tally.seconds = (ContinuousClock.now - start) / .seconds(1)
        guard tally.count > 0 else { throw CommandError("expected examples, found none") }
        return tally
    }

    private static func places(_ part: [TaskExamples.Example]) -> String {
        let places = [part.first, part.count > 1 ? part.last : nil].compactMap { $0?.place }
        return places.joined(separator: " to ")
    }

    private static func fault<Success>(_ result: Result<Success, ServingError>) -> String {
        if case .failure(let error) = result { error.message } else { "" }
    }
}

/// What came of the examples of a sequence model.
struct SequenceTally {
    private let model: Model
    private(set) var count = 0
    var seconds = 0.0
    /// Of classes, or of the tags of steps.
    private(set) var classes: ClassificationTally
    /// Of a regression.
    private(set) var values = 0
    private var absolute = 0.0
    private var squared = 0.0
    /// Of texts.
    private(set) var tokens = 0
    private var logLikelihood = 0.0
    /// Of translations.
    private(set) var exact = 0

    init(_ model: Model) {
        self.model = model
        classes = ClassificationTally(classes: model.manifest.task.hasClasses ? model.classes : 1)
    }

    var meanAbsoluteError: Double { values == 0 ? 0 : absolute / Double(values) }
    var rootMeanSquareError: Double { values == 0 ? 0 : (squared / Double(values)).squareRoot() }
    var natsPerToken: Double { tokens == 0 ? 0 : -logLikelihood / Double(tokens) }

    /// Counts an example.
    ///
    /// - Throws: `CommandError` when it does not say what is right in the form of the answer.
    mutating func add(_ example: TaskExamples.Example, _ answer: SequencePredictor.Answer) throws {
        count += 1
        switch (answer.outcome, example.truth) {
        case (.classes(let scores), .classIndex(let right)): classes.add(scores, right: right)
        case (.tags(let tags), .tags(let right)):
            guard tags.tags.count == right.count else {
                throw CommandError("expected \(tags.tags.count) labels, found \(right.count)")
            }
            for (tag, right) in zip(tags.tags, right).dropFirst(example.context) {
                classes.add(tag.scores, right: right)
            }
        case (.values(let steps), .values(let right)):
            for (value, right) in zip(steps[0], right) {
                let error = Double(value) - right
                (values, absolute, squared) = (values + 1, absolute + abs(error), squared + error * error)
            }
        case (.likelihood(let likelihood), .likelihood):
            let judged = likelihood.logLikelihoods.dropFirst(max(0, example.context - 1))
            tokens += judged.count
            logLikelihood += judged.reduce(0, +)
        case (.translations(let translations), .target(let right)):
            let found = translations.first.map { best in
                best.text ?? best.tokens.map(\.json.plain).joined(separator: " ")
            }
            exact += found == right ? 1 : 0
        default:
            let task = model.manifest.task.rawValue
            throw CommandError("the example does not say what is right for '\(task)'")
        }
    }
}

extension Model {
    /// A text stands for itself; anything else is written as JSON.
    func instance(_ source: String) throws -> Instance {
        if case .text = manifest.input { return .text(source) }
        return try InstanceReader.instance(Array(source.utf8), for: self)
    }
}
