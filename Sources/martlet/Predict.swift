internal import API
internal import ArgumentParser
internal import FoundationEssentials
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet predict TEXT…` or `martlet predict IMAGE…`: predictions of a sequence model, without a daemon.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Predict from texts, from sequences of tokens or features given as JSON, or from the frames of a clip."
    )

    @Argument(
        help:
            "Texts; for a model of tokens or features JSON arrays, such as '[3, 1, 4]'; images, one clip together."
    )
    var instances: [String]

    @Option(
        name: .customLong("model"),
        help: "The model; may be left out when the folder has one for sequences.",
        completion: .models
    )
    var modelName: String?

    @Option(name: .customLong("top-k"), help: "How many classes to list.")
    var topK = 3

    @Option(name: .customLong("beams"), help: "How wide the search of a sequence-to-sequence model is.")
    var beams: Int?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        guard topK >= 1 else { throw ValidationError("--top-k must be at least 1, found \(topK)") }
        if let beams, !Translator.Options.beamsRange.contains(beams) {
            throw ValidationError(
                "--beams must be 1 to \(Translator.Options.beamsRange.upperBound), found \(beams)"
            )
        }
    }

    func run() throws {
        let model = try models.model(modelName, for: "sequences") { !$0.takesImages }
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        let inputs = try inputs(for: model)
        var options = SequencePredictor.Options()
        options.count = topK
        options.translation = beams.map { beams in
            var options = Translator.Options()
            options.beams = beams
            return options
        }
        let predictor = SequencePredictor(scheduler: engine.scheduler)
        let instances = inputs.map(\.instance)
        let answers = try engine.wait { [options] () async throws(ServingError) in
            try await predictor.predict(instances, with: model, options)
        }
        var form = PredictionForm()
        form.topK = topK
        output.print(
            json: .object(["predictions": .array(answers.map { form.json($0, labels: model.labels) })]),
            text: zip(inputs, answers).map { text($0.name, $1, model.labels) }.joined(separator: "\n\n")
        )
    }

    /// A text stands for itself, images are the frames of one clip, anything else is written as JSON.
    private func inputs(for model: Model) throws -> [(name: String, instance: Instance)] {
        switch model.manifest.input {
        case .text: return instances.map { ($0, .text($0)) }
        case .frames:
            let frames = try instances.map { try FileContents.read($0, maxBytes: 1 << 30)[...] }
            return [(instances.joined(separator: " "), .clip(frames))]
        case .tensors: throw CommandError("'\(model.name)' takes tensors; use martlet run")
        case .image, .tokens, .features:
            return try instances.map { ($0, try InstanceReader.instance(Array($0.utf8), for: model)) }
        }
    }

    private func text(_ instance: String, _ answer: SequencePredictor.Answer, _ labels: [String]?) -> String {
        let lines =
            switch answer.outcome {
            case .classes(let scores): TextTable(scores.listed(topK, labels: labels)).text
            case .tags(let tags): tags.tags.map { line($0, labels) }.joined(separator: "\n")
            case .values(let steps):
                steps.map { $0.map(\.description).joined(separator: " ") }.joined(separator: "\n")
            case .likelihood(let likelihood):
                "log-likelihood \(likelihood.total) of \(likelihood.logLikelihoods.count) tokens"
            case .translations(let translations):
                translations.map(line).joined(separator: "\n")
            case .detections, .map, .vector, .tensors: "" // which are of no sequence
            }
        return instance + "\n" + lines
    }

    /// A translation and the logarithm of its probability.
    private func line(_ translation: Translator.Translation) -> String {
        let tokens = translation.tokens.map(\.json.plain).joined(separator: " ")
        return "\(translation.text ?? tokens)  \(translation.score)"
    }

    /// A step's token or frame, its best class and that one's probability.
    private func line(_ tag: TokenTags.Tag, _ labels: [String]?) -> String {
        let best = tag.scores.top(1, labels: labels)[0]
        let label = best.label ?? "\(best.index)"
        let step = tag.token?.json.plain ?? tag.frame.map(String.init)
        let columns = [step, label, JSONValue.float(Float(best.probability)).text]
        return columns.compactMap(\.self).joined(separator: "  ")
    }
}

extension JSONValue {
    /// A string as it is, another value as JSON.
    var plain: String {
        if case .string(let string) = self { string } else { text }
    }
}
