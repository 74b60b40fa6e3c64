internal import ArgumentParser
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet evaluate MODEL EXAMPLES`: how well a model does on examples whose answers are known.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how well a model does on examples whose answers are known.",
        discussion: """
            EXAMPLES is a folder with a folder of images for each class, named by its label or its number; a CSV with an \
            example and its class in each record, as 'martlet calibrate' reads it; or a file whose name ends in .jsonl, with \
            {"instance": …, "label": …} in each line. In its stead sequence models that answer otherwise have "labels" (one \
            for each token), "values" (of a regression), "target" (a text), or nothing (a text that is to be likely, of which \
            the first "context" tokens are not judged). Of an object detection it is a table of boxes with tabs between: image, \
            class, xmin, ymin, xmax, ymax; of a segmentation a folder with a folder 'images' and a folder 'masks', PNGs of the \
            same names whose pixels are classes, or 255 where that is not known.
            """
    )

    @Argument(help: "The model, or one of its versions as NAME@VERSION.", completion: .models)
    var modelName: String

    @Argument(help: "A folder of folders of images, a CSV, or a file of JSON lines.", completion: .file())
    var examplesPath: String

    @Option(
        help: ArgumentHelp(
            "The test-time augmentations to measure, with commas between, or all.",
            discussion: "\(CropMode.allCases.map(\.rawValue).joined(separator: ", "))"
        ),
        completion: .list(CropMode.allCases.map(\.rawValue) + ["all"]),
        transform: Evaluate.modes
    )
    var crops: [CropMode] = [.center]

    @Option(
        name: .customLong("output"),
        help:
            "A folder for report.json, confusion.csv, confusion.png and reliability.png of the first of --crops.",
        completion: .directory
    )
    var folder: String?

    @Flag(name: .customLong("per-class"), help: "List all classes, and not the worst alone.")
    var listsClasses = false

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    static func modes(_ text: String) throws -> [CropMode] {
        if text == "all" { return CropMode.allCases }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            guard let mode = CropMode(rawValue: String(name)) else {
                let known = CropMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("expected some of \(known), found '\(name)'")
            }
            return mode
        }
    }

    func run() throws {
        let model = try models.model(modelName)
        let engine = try CommandEngine(threads: threads.count, lanes: threads.count)
        defer { engine.stop() }
        if let report = try found(model, engine) {
            if let folder { try report.write(to: folder) }
            output.print(json: .object(report.json), text: report.text)
            if report.failed > 0 {
                throw CommandError("\(report.failed) images could not be answered and are not counted")
            }
            return
        }
        let report = try evaluated(model, engine)
        if let folder { try report.write(to: folder) }
        output.print(
            json: .object(report.json),
            text: report.text(listsClasses: listsClasses, output.terminal)
        )
        if report.failed > 0 {
            throw CommandError("\(report.failed) examples could not be answered and are not counted")
        }
    }

    /// Of a model that finds things in images; nil of any other.
    private func found(_ model: Model, _ engine: CommandEngine) throws -> FindingReport? {
        let evaluation = FindingEvaluation(model, engine)
        switch model.manifest.task {
        case .objectDetection: return try evaluation.boxes(listedIn: examplesPath)
        case .semanticSegmentation: return try evaluation.masks(in: examplesPath)
        default: return nil
        }
    }

    private func evaluated(_ model: Model, _ engine: CommandEngine) throws -> EvaluationReport {
        switch model.manifest.task {
        case .imageCaptioning, .embedding, .tensors:
            throw CommandError(
                "'\(model.name)' is for '\(model.manifest.task.rawValue)', which has no measure"
            )
        default: break
        }
        var report = EvaluationReport(model)
        if model.takesImages, !examplesPath.hasSuffix(".jsonl") {
            let examples = try LabelledExamples(examplesPath, of: model).examples
            for mode in crops {
                report.classifications.append(try images(examples, mode, model, engine))
            }
            return report
        }
        let evaluation = SequenceEvaluation(model, engine)
        if examplesPath.hasSuffix(".jsonl") {
            report.add(try evaluation.run(jsonLines: examplesPath))
        } else {
            report.add(try evaluation.run(LabelledExamples(examplesPath, of: model).examples))
        }
        return report
    }

    private func images(
        _ examples: [LabelledExamples.Example],
        _ mode: CropMode,
        _ model: Model,
        _ engine: CommandEngine
    ) throws -> EvaluationReport.Classification {
        let progress = Progress(
            "evaluating \(model.name), \(mode.rawValue)",
            of: examples.count,
            in: .items("images")
        )
        defer { progress.finish() }
        var result = EvaluationReport.Classification(mode: mode, classes: model.classes)
        var rest = examples[...]
        let start = ContinuousClock.now
        try ImageStream(model, engine, ImageClassifier.Options(crops: mode)).run(
            next: { rest.popFirst() },
            path: { $0.source },
            take: { example, outcome in
                progress.advance()
                switch outcome {
                case .success(let answer):
                    result.tally.add(answer.scores, right: example.classIndex)
                    result.crops = max(result.crops, answer.crops.count)
                case .failure(let error):
                    result.failed += 1
                    progress.note("martlet: \(example.source): \(error)")
                }
            }
        )
        result.seconds = (ContinuousClock.now - start) / .seconds(1)
        return result
    }
}
