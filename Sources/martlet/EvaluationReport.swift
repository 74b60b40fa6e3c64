internal import Engine
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// What `evaluate` found.
struct EvaluationReport {
    /// Classes, in one crop mode of images.
    struct Classification {
        /// Nil of sequences.
        let mode: CropMode?
        /// The crops of an image.
        var crops = 1
        var tally: ClassificationTally
        var failed = 0
        var seconds = 0.0
        /// What was classified: images, sequences, or the tokens of some.
        var items = "images"
        /// How many of them a second, or of the sequences that they are in.
        var perSecond: Double { seconds > 0 ? Double(count) / seconds : 0 }
        /// Images, or sequences.
        var examples: Int?
        private var count: Int { examples ?? tally.count }

        init(mode: CropMode?, classes: Int) {
            self.mode = mode
            tally = ClassificationTally(classes: classes)
        }
    }

    /// Above so many classes the matrix and the list of them are no reading for people.
    private static let manyClasses = 20
    private static let worstListed = 10

    let model: Model
    var classifications: [Classification] = []
    private var sequences: SequenceTally?

    init(_ model: Model) {
        self.model = model
    }

    var failed: Int { classifications.first?.failed ?? 0 }

    mutating func add(_ tally: SequenceTally) {
        sequences = tally
        guard model.manifest.task.hasClasses else { return }
        var classification = Classification(mode: nil, classes: model.classes)
        classification.tally = tally.classes
        classification.seconds = tally.seconds
        classification.items = model.manifest.task == .tokenClassification ? "tokens" : "sequences"
        classification.examples = tally.count
        classifications = [classification]
    }

    // MARK: As JSON

    var json: JSONObject {
        var json: JSONObject = [
            "model": .string(model.name), "version": .string(model.version),
            "task": .string(model.manifest.task.rawValue),
        ]
        if let sequences {
            json.append("sequences", .integer(sequences.count))
            json.append("sequences_per_second", .number(Double(sequences.count) / sequences.seconds))
            json.append(contentsOf: sequences.json(of: model.manifest.task))
        }
        guard let first = classifications.first else { return json }
        json.append("examples", .integer(first.tally.count))
        json.append("failed", .integer(first.failed))
        json.append("runs", .array(classifications.map { .object(Self.json($0, beside: first)) }))
        json.append("classes", .array(first.tally.confusion.perClass.enumerated().map(classJSON)))
        json.append("confusion", Self.json(first.tally.confusion))
        json.append(
            "reliability",
            .array(
                first.tally.reliability.bins.map { bin in
                    .object([
                        "examples": .integer(bin.count), "confidence": .number(bin.confidence),
                        "accuracy": .number(bin.accuracy),
                    ])
                }
            )
        )
        return json
    }

    private static func json(_ run: Classification, beside first: Classification) -> JSONObject {
        var json = JSONObject()
        if let mode = run.mode {
            json.append("crops", .string(mode.rawValue))
            json.append("crops_per_image", .integer(run.crops))
        }
        json.append("top1", .number(run.tally.top1))
        json.append("top5", .number(run.tally.top5))
        json.append("negative_log_likelihood", .number(run.tally.negativeLogLikelihood))
        json.append("expected_calibration_error", .number(run.tally.reliability.expectedCalibrationError))
        json.append("maximum_calibration_error", .number(run.tally.reliability.maximumCalibrationError))
        json.append("seconds", .number(run.seconds))
        if run.mode != nil { json.append("images_per_second", .number(run.perSecond)) }
        json.append("cost", .number(first.seconds > 0 ? run.seconds / first.seconds : 1))
        return json
    }

    private func classJSON(_ index: Int, _ quality: ConfusionMatrix.ClassQuality) -> JSONValue {
        .object([
            "class": .string(model.className(index)), "examples": .integer(quality.count),
            "recall": .number(quality.recall), "precision": .number(quality.precision),
            "f1": .number(quality.f1),
        ])
    }

    private static func json(_ matrix: ConfusionMatrix) -> JSONValue {
        .array(
            (0..<matrix.classes).map { right in
                .array((0..<matrix.classes).map { .integer(matrix[right, $0]) })
            }
        )
    }

    // MARK: As text

    func text(listsClasses: Bool, _ terminal: Terminal) -> String {
        var parts: [String] = []
        if let sequences { parts += sequences.sentences(of: model.manifest.task) }
        if let first = classifications.first {
            let matrix = first.tally.confusion
            // A data set need not have all classes of the model.
            let met = matrix.perClass.enumerated().filter { $1.count + $1.found > 0 }.map(\.offset)
            let isSmall = met.count <= Self.manyClasses
            parts = [
                "\(model.name), version \(model.version): \(first.tally.count) \(first.items) "
                    + "of \(model.classes) classes",
                runs(beside: first, terminal).text { cell, column in
                    column == 1 ? terminal.styled(cell, .bold) : cell
                },
                classes(matrix, met, all: listsClasses || isSmall).text,
                isSmall ? table(matrix, met) : mistakes(matrix),
                Self.table(first.tally.reliability).text,
            ]
        } else {
            parts.insert("\(model.name), version \(model.version)", at: 0)
        }
        return parts.joined(separator: "\n\n")
    }

    private func runs(beside first: Classification, _ terminal: Terminal) -> TextTable {
        let isImages = first.mode != nil
        let columns =
            isImages
            ? ["crops", "top-1", "top-5", "calibration error", "log-likelihood", "images/s", "cost"]
            : ["", "top-1", "top-5", "calibration error", "log-likelihood", "sequences/s"]
        return TextTable(
            columns: columns,
            rows: classifications.map { run in
                let name = run.mode.map { "\($0.rawValue) (\(run.crops))" } ?? ""
                let cells = [
                    name, percent(run.tally.top1), percent(run.tally.top5),
                    percent(run.tally.reliability.expectedCalibrationError),
                    fourDigits(-run.tally.negativeLogLikelihood), threeDigits(run.perSecond),
                ]
                return isImages ? cells + [threeDigits(run.seconds / first.seconds) + "×"] : cells
            }
        )
    }

    private func classes(_ matrix: ConfusionMatrix, _ met: [Int], all: Bool) -> TextTable {
        let quality = matrix.perClass
        let worst = met.filter { quality[$0].count > 0 }.sorted {
            (quality[$0].f1, $0) < (quality[$1].f1, $1)
        }
        return TextTable(
            columns: [all ? "class" : "worst classes", "examples", "recall", "precision", "F1"],
            rows: (all ? met : Array(worst.prefix(Self.worstListed))).map { index in
                [
                    model.className(index), "\(quality[index].count)", percent(quality[index].recall),
                    percent(quality[index].precision), percent(quality[index].f1),
                ]
            }
        )
    }

    /// The matrix: who is right stands at the left, who was found at the top.
    private func table(_ matrix: ConfusionMatrix, _ met: [Int]) -> String {
        let rows = met.map { right in
            [model.className(right)]
                + met.map { found in matrix[right, found] == 0 ? "·" : "\(matrix[right, found])" }
        }
        return TextTable(
            columns: ["right \\ found"] + met.map { model.className($0).clipped(to: 10) },
            rows: rows
        ).text
    }

    private func mistakes(_ matrix: ConfusionMatrix) -> String {
        let mistakes = matrix.mistakes(Self.worstListed)
        guard !mistakes.isEmpty else { return "no mistakes" }
        return TextTable(
            columns: ["taken", "for", "times"],
            rows: mistakes.map { [model.className($0.right), model.className($0.found), "\($0.count)"] }
        ).text
    }

    private static func table(_ reliability: Reliability) -> TextTable {
        let width = 100 / Double(reliability.bins.count)
        return TextTable(
            columns: ["as sure as", "examples", "confidence", "right"],
            rows: reliability.bins.enumerated().filter { $0.element.count > 0 }.map { index, bin in
                let (low, high) = (Double(index) * width, Double(index + 1) * width)
                return [
                    "\(Int(low.rounded()))–\(Int(high.rounded())) %", "\(bin.count)", percent(bin.confidence),
                    percent(bin.accuracy),
                ]
            }
        )
    }

    // MARK: As files

    /// Writes the report, and what has classes as a table and as pictures.
    ///
    /// - Throws: `SystemError` when a file cannot be written.
    func write(to folder: String) throws {
        try Folder.create(folder)
        try Self.write(Array((JSONValue.object(json).text + "\n").utf8), to: "\(folder)/report.json")
        guard let tally = classifications.first?.tally else { return }
        let matrix = tally.confusion
        let names = (0..<matrix.classes).map(model.className)
        let rows = (0..<matrix.classes).map { right in
            [names[right]] + (0..<matrix.classes).map { "\(matrix[right, $0])" }
        }
        let text = ([["right \\ found"] + names] + rows).map(CommaSeparated.record).joined()
        try Self.write(Array(text.utf8), to: "\(folder)/confusion.csv")
        try Self.write(PNGEncoder.encode(Chart.confusion(matrix)), to: "\(folder)/confusion.png")
        try Self.write(
            PNGEncoder.encode(Chart.reliability(tally.reliability)),
            to: "\(folder)/reliability.png"
        )
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try OutputFile(path: path)
        try file.write(bytes)
        try file.commit()
    }
}

extension SequenceTally {
    /// What is no classification.
    fileprivate func json(of task: Manifest.Task) -> JSONObject {
        switch task {
        case .sequenceRegression:
            [
                "mean_absolute_error": .number(meanAbsoluteError),
                "root_mean_square_error": .number(rootMeanSquareError),
            ]
        case .textGeneration: ["tokens": .integer(tokens), "nats_per_token": .number(natsPerToken)]
        case .sequenceToSequence: ["exact": .number(Double(exact) / Double(count))]
        default: [:]
        }
    }

    fileprivate func sentences(of task: Manifest.Task) -> [String] {
        let rate = "\(count) sequences, \(threeDigits(Double(count) / seconds)) a second"
        return switch task {
        case .sequenceRegression:
            [
                "mean absolute error \(fourDigits(meanAbsoluteError)), "
                    + "root of the mean square \(fourDigits(rootMeanSquareError))", rate,
            ]
        case .textGeneration: ["\(fourDigits(natsPerToken)) nats a token, of \(tokens) tokens", rate]
        case .sequenceToSequence: ["\(percent(Double(exact) / Double(count))) are right to the token", rate]
        default: []
        }
    }
}

/// A number with four digits behind the point.
func fourDigits(_ number: Double) -> String { "\((number * 10_000).rounded() / 10_000)" }
