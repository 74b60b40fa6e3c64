internal import ArgumentParser
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet compare A B EXAMPLES`: two models, or two versions of one, on the same examples.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare two models, or two versions of one, on examples whose classes are known.",
        discussion: """
            EXAMPLES is what 'martlet evaluate' takes for a classification: a folder of folders of images, or a CSV. \
            Shown are how often they agree, how often each is right, and how likely it is that the difference is chance: \
            McNemar's exact test on the examples that only one of them has right.
            """
    )

    @Argument(help: "The first model, or one of its versions as NAME@VERSION.", completion: .models)
    var firstName: String

    @Argument(help: "The second.", completion: .models)
    var secondName: String

    @Argument(help: "A folder of folders of images, or a CSV.", completion: .file())
    var examplesPath: String

    @OptionGroup var crops: CropsOption

    @Option(
        name: .customLong("output"),
        help: "A CSV to write with the examples on which they differ.",
        completion: .file()
    )
    var outputPath: String?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    /// One model's answers.
    private struct Answers {
        let model: Model
        let examples: [LabelledExamples.Example]
        /// The class of each example; nil where it could not be answered.
        var found: [Int?] = []
        var seconds = 0.0

        func rate(_ count: Int) -> Double { seconds > 0 ? Double(count) / seconds : 0 }
    }

    private static let differencesShown = 10

    func run() throws {
        let engine = try CommandEngine(threads: threads.count, lanes: threads.count)
        defer { engine.stop() }
        let first = try answers(of: firstName, engine)
        let second = try answers(of: secondName, engine)
        let classes = ClassNames(first.model)
        var comparison = PairedComparison()
        var differences: [Int] = []
        for index in first.examples.indices {
            guard let one = first.found[index], let other = second.found[index] else { continue }
            let name = second.model.className(other)
            // A class that the first does not have is none of its.
            let translated = (try? classes.index(of: name)) ?? first.model.classes + other
            comparison.add(first: one, second: translated, right: first.examples[index].classIndex)
            if one != translated { differences.append(index) }
        }
        guard comparison.count > 0 else { throw CommandError("no example could be answered by both") }
        if let outputPath { try write(differences, first, second, to: outputPath) }
        output.print(
            json: .object(json(comparison, first, second)),
            text: text(comparison, differences, first, second)
        )
    }

    private func answers(of name: String, _ engine: CommandEngine) throws -> Answers {
        let model = try models.model(name)
        guard [.imageClassification, .sequenceClassification].contains(model.manifest.task) else {
            throw CommandError(
                "'\(name)' is for '\(model.manifest.task.rawValue)'; classifications are compared"
            )
        }
        var answers = Answers(model: model, examples: try LabelledExamples(examplesPath, of: model).examples)
        let progress = Progress("asking \(name)", of: answers.examples.count, in: .items("examples"))
        defer { progress.finish() }
        let start = ContinuousClock.now
        var rest = answers.examples[...]
        if model.takesImages {
            let options = ImageClassifier.Options(crops: crops.mode, scales: crops.scales)
            try ImageStream(model, engine, options).run(
                next: { rest.popFirst() },
                path: { $0.source },
                take: { example, outcome in
                    progress.advance()
                    if case .failure(let error) = outcome {
                        progress.note("martlet: \(example.source): \(error)")
                    }
                    answers.found.append(try? outcome.get().scores.top(1)[0].index)
                }
            )
        } else {
            let predictor = SequencePredictor(scheduler: engine.scheduler)
            while !rest.isEmpty {
                let part = rest.prefix(64)
                rest = rest.dropFirst(64)
                let instances = try part.map { try model.instance($0.source) }
                let made = try engine.wait { () async throws(ServingError) in
                    try await predictor.predict(instances, with: model)
                }
                answers.found += made.map { answer in
                    if case .classes(let scores) = answer.outcome { scores.top(1)[0].index } else { nil }
                }
                progress.advance(by: part.count)
            }
        }
        answers.seconds = (ContinuousClock.now - start) / .seconds(1)
        return answers
    }

    private func write(_ differences: [Int], _ first: Answers, _ second: Answers, to path: String) throws {
        let destination = try Destination(path)
        try destination.write(CommaSeparated.record(["example", "class", firstName, secondName]))
        for index in differences { try destination.write(CommaSeparated.record(row(index, first, second))) }
        try destination.close()
    }

    private func row(_ index: Int, _ first: Answers, _ second: Answers) -> [String] {
        let example = first.examples[index]
        let (one, other) = (first.found[index] ?? 0, second.found[index] ?? 0)
        return [
            example.source, first.model.className(example.classIndex), first.model.className(one),
            second.model.className(other),
        ]
    }

    private func json(_ comparison: PairedComparison, _ first: Answers, _ second: Answers) -> JSONObject {
        let count = Double(comparison.count)
        func model(_ name: String, _ answers: Answers, only: Int) -> JSONValue {
            .object([
                "model": .string(name), "top1": .number(Double(comparison.bothRight + only) / count),
                "only_right": .integer(only), "seconds": .number(answers.seconds),
                "examples_per_second": .number(answers.rate(comparison.count)),
            ])
        }
        return [
            "examples": .integer(comparison.count),
            "unanswered": .integer(first.examples.count - comparison.count),
            "agreement": .number(Double(comparison.agreed) / count),
            "models": .array([
                model(firstName, first, only: comparison.onlyFirst),
                model(secondName, second, only: comparison.onlySecond),
            ]),
            "both_right": .integer(comparison.bothRight),
            "mcnemar_p": .number(comparison.pValue),
        ]
    }

    private func text(
        _ comparison: PairedComparison,
        _ differences: [Int],
        _ first: Answers,
        _ second: Answers
    ) -> String {
        let count = Double(comparison.count)
        func row(_ name: String, _ answers: Answers, only: Int) -> [String] {
            let rate = threeDigits(answers.rate(comparison.count))
            let cost = threeDigits(first.seconds > 0 ? answers.seconds / first.seconds : 1) + "×"
            return [name, percent(Double(comparison.bothRight + only) / count), "\(only)", rate, cost]
        }
        let models = TextTable(
            columns: ["model", "top-1", "alone right", "examples/s", "cost"],
            rows: [
                row(firstName, first, only: comparison.onlyFirst),
                row(secondName, second, only: comparison.onlySecond),
            ]
        )
        let agreement = percent(Double(comparison.agreed) / count)
        var parts = [
            "\(comparison.count) examples, on \(agreement) of which they agree", models.text,
            Self.verdict(comparison),
        ]
        if !differences.isEmpty {
            let shown = differences.prefix(Self.differencesShown)
            let rows = shown.map {
                self.row($0, first, second).enumerated().map { $1.clipped(to: $0 == 0 ? 60 : 24) }
            }
            let table = TextTable(columns: ["where they differ", "class", firstName, secondName], rows: rows)
            let rest = differences.count - shown.count
            parts.append(table.text + (rest > 0 ? "\nand \(rest) more; --output FILE writes all" : ""))
        }
        return parts.joined(separator: "\n\n")
    }

    /// What the test says, in words.
    private static func verdict(_ comparison: PairedComparison) -> String {
        let p = comparison.pValue
        let number = p < 0.0001 ? "below 0.0001" : p >= 0.9999 ? "1" : fourDigits(p)
        let meaning =
            p < 0.05 ? "more than chance would make of equals" : "no more than chance would make of equals"
        return "McNemar's exact test: p \(p < 0.0001 ? "" : "= ")\(number), \(meaning)"
    }
}
