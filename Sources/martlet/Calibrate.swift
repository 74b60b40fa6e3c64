internal import API
internal import ArgumentParser
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet calibrate MODEL EXAMPLES`: the temperature with which a model's probabilities are as frequent as they say.
struct Calibrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Find the temperature that calibrates a model's probabilities, and write it into its model.json.",
        discussion: """
            EXAMPLES is a folder with a folder of images for each class, named by its label or its number; or a CSV with an \
            example and its class in each record: the path of an image beside the CSV, a text, or tokens or features as JSON. \
            They should be none that the model was trained with. The temperature is that of the lowest negative \
            log-likelihood (Guo et al. 2017, §4.2); the expected calibration error, in 15 bins, is shown before and after.
            """
    )

    @Argument(help: "The model's name.", completion: .models)
    var modelName: String

    @Argument(help: "A folder of folders of images, or a CSV.", completion: .file())
    var examplesPath: String

    @Flag(name: .customLong("no-write"), help: "Only show what would be written.")
    var isDry = false

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    private static let atATime = 32

    func run() throws {
        let model = try models.model(modelName)
        let path = "\(try Registry.path(of: model, in: models.path()))/model.json"
        try check(model, path)
        let examples = try LabelledExamples(examplesPath, of: model).examples
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        var logits: [[Double]] = []
        let progress = Progress("calibrating \(modelName)", of: examples.count, in: .items("examples"))
        for start in stride(from: 0, to: examples.count, by: Self.atATime) {
            let part = examples[start..<min(start + Self.atATime, examples.count)]
            logits += try self.logits(part.map(\.source), model, engine)
            progress.advance(by: part.count)
        }
        progress.finish()
        let calibration = Calibration(logits: logits, classes: examples.map(\.classIndex))
        let temperature = Double(Int((calibration.temperature() * 1000).rounded())) / 1000
        if !isDry { try write(temperature, to: path) }
        report(calibration, model.scoring.temperature, temperature, count: examples.count)
    }

    private func check(_ model: Model, _ path: String) throws {
        guard [.imageClassification, .sequenceClassification].contains(model.manifest.task) else {
            throw CommandError(
                "'\(model.name)' is for '\(model.manifest.task.rawValue)'; only a classification is calibrated"
            )
        }
        guard model.scoring.activation == .softmax else {
            throw CommandError("'\(model.name)' has a sigmoid; only a softmax is calibrated")
        }
        guard isDry || (try? ReadableFile(path: path)) != nil else {
            throw CommandError(
                "'\(model.name)' has no model.json to write to; describe it in one, or see --no-write"
            )
        }
    }

    /// The logits of some examples, in order.
    private func logits(_ sources: [String], _ model: Model, _ engine: CommandEngine) throws -> [[Double]] {
        guard model.takesImages else {
            let instances = try sources.map(model.instance)
            let predictor = SequencePredictor(scheduler: engine.scheduler)
            let answers = try engine.wait { () async throws(ServingError) in
                try await predictor.predict(instances, with: model)
            }
            return answers.compactMap {
                if case .classes(let scores) = $0.outcome { scores.logits } else { nil }
            }
        }
        let images = try sources.map { try FileContents.read($0, maxBytes: 1 << 30)[...] }
        let classifier = ImageClassifier(scheduler: engine.scheduler, limits: ImageLimits())
        let results = try engine.wait { () async throws(ServingError) in
            try await classifier.classify(images: images.map { .success($0) }, with: model)
        }
        return try zip(sources, results).map { source, result in
            do {
                return try result.get().scores.logits
            } catch {
                throw CommandError("\(source): \(error)")
            }
        }
    }

    private func write(_ temperature: Double, to path: String) throws {
        let text = try FileContents.read(path, maxBytes: 1 << 20)
        let edited = try ManifestEdit.setting("temperature", to: temperature, in: text)
        let file = try OutputFile(path: path)
        try file.write(edited)
        try file.commit()
    }

    private func report(_ calibration: Calibration, _ before: Double, _ after: Double, count: Int) {
        if !Calibration.range.contains(after) || after == Calibration.range.lowerBound
            || after == Calibration.range.upperBound
        {
            StandardStream.error.writeLine(
                "martlet: the temperature is at its bound; are there enough examples, and are their classes right?"
            )
        }
        let rows = [("before", before), ("after", after)].map { name, temperature in
            (name, temperature, calibration.quality(at: temperature))
        }
        var json: JSONObject = [
            "model": .string(modelName), "examples": .integer(count),
            "accuracy": .number(calibration.accuracy), "temperature": .number(after),
            "written": .bool(!isDry),
        ]
        for (name, temperature, quality) in rows {
            json.append(
                name,
                .object([
                    "temperature": .number(temperature),
                    "negative_log_likelihood": .number(quality.negativeLogLikelihood),
                    "expected_calibration_error": .number(quality.expectedCalibrationError),
                ])
            )
        }
        let table = TextTable(
            columns: ["", "temperature", "negative log-likelihood", "expected calibration error"],
            rows: rows.map { name, temperature, quality in
                [
                    name, "\(temperature)", fourDigits(quality.negativeLogLikelihood),
                    percent(quality.expectedCalibrationError),
                ]
            }
        )
        output.print(
            json: .object(json),
            text: "\(modelName): \(count) examples, \(percent(calibration.accuracy)) right\n\(table.text)"
        )
    }
}
