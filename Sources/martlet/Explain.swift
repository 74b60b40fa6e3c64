internal import API
internal import ArgumentParser
internal import Imaging
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// `martlet explain IMAGE` or `martlet explain TEXT`: what speaks for a class, as a picture or in numbers.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which parts of an image, or steps of a sequence, speak for a class.",
        discussion: """
            A network that ends in a global average pool and one linear layer says so itself, by its class activation map \
            (Zhou et al. 2016). Of any other, parts of the image are covered one after another (Zeiler & Fergus 2014): `patch` \
            and `stride` say how large they are and how far apart. Of a sequence each step is left out in turn.
            """
    )

    @Argument(help: "An image file, or for a model of sequences a text, or tokens or features as JSON.")
    var input: String

    @Option(name: .customLong("model"), help: "The model.")
    var modelName: String

    @Option(name: .customLong("class"), help: "The number or the label of the class; default the likeliest.")
    var target: String?

    @Option(help: "cam, occlusion or leave-one-out; default by the network.")
    var method: ExplanationMethod?

    @Option(help: "Occlusion: the side of what is covered, in pixels of the crop.")
    var patch: Int?

    @Option(help: "Occlusion: pixels of the crop from one patch to the next.")
    var stride: Int?

    @Option(help: "The step whose class is explained, of a model that has one for each.")
    var step: Int?

    @Option(name: .customLong("output"), help: "The PNG to write, of an image.")
    var path: String?

    @Flag(name: .customLong("map-only"), help: "Draw the map alone, not over the image.")
    var isAlone = false

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    /// The longest side of a picture.
    private static let pictureSide = 2048

    func validate() throws {
        for (name, value) in [("patch", patch), ("stride", stride)] where value.map({ $0 < 1 }) ?? false {
            throw ValidationError("--\(name) must be at least 1")
        }
        if let step, step < 0 { throw ValidationError("--step must be at least 0, found \(step)") }
    }

    func run() throws {
        let model = try models.model(modelName)
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        if model.takesImages {
            try explainImage(model, engine)
        } else {
            guard path == nil else {
                throw CommandError(
                    "a picture is drawn of an image; '\(model.name)' takes \(model.manifest.input.kind)"
                )
            }
            try explainSequence(model, engine)
        }
    }

    private func explainImage(_ model: Model, _ engine: CommandEngine) throws {
        let bytes = try FileContents.read(input, maxBytes: 1 << 30)[...]
        let explainer = ImageExplainer(ImageClassifier(scheduler: engine.scheduler, limits: ImageLimits()))
        var options = ImageExplainer.Options()
        (options.target, options.method, options.patch, options.stride) = (target, method, patch, stride)
        let answer = try engine.wait { [options] () async throws(ServingError) in
            try await explainer.explain(bytes, with: model, options)
        }
        if let path { try write(answer, of: bytes, explainer, to: path) }
        var json: JSONObject = ["path": .string(input)]
        json.append(contentsOf: ExplanationAnswer(model).json(answer))
        json.append("output", path.map(JSONValue.string))
        output.print(json: .object(json), text: text(answer))
    }

    private func write(
        _ answer: ImageExplainer.Answer,
        of bytes: ArraySlice<UInt8>,
        _ explainer: ImageExplainer,
        to path: String
    ) throws {
        let picture: Image
        if isAlone {
            picture = answer.map.drawn(answer.box.size(atMost: Self.pictureSide))
        } else {
            let image = try explainer.picture(of: bytes, side: Self.pictureSide, RequestContext())
            let scale = Double(image.width) / Double(answer.size.width)
            picture = answer.map.drawn(over: image, at: answer.box.scaled(by: scale))
        }
        let file = try OutputFile(path: path)
        try file.write(PNGEncoder.encode(picture))
        try file.commit()
    }

    private func text(_ answer: ImageExplainer.Answer) -> String {
        let map = answer.map
        let best = map.values.indices.max { map.values[$0] < map.values[$1] } ?? 0
        let (row, column) = best.quotientAndRemainder(dividingBy: map.width)
        let unit = answer.method == .occlusion ? "of the probability" : "of the logit"
        var rows = [
            ["class", "\(answer.target.label ?? "\(answer.target.index)"), \(percent(answer.target.score))"],
            ["method", "\(answer.method.rawValue), \(Self.runs(answer.runs))"],
            ["map", "\(map.height)×\(map.width) cells"],
            ["strongest", "row \(row + 1), column \(column + 1): \(map.values[best]) \(unit)"],
        ]
        if let occlusion = answer.occlusion {
            rows.append(["patch", "\(occlusion.patch)×\(occlusion.patch) pixels, every \(occlusion.stride)"])
        }
        if let path { rows.append(["picture", path]) }
        return TextTable(columns: [input, ""], rows: rows).text
    }

    private func explainSequence(_ model: Model, _ engine: CommandEngine) throws {
        let instance: Instance =
            if case .text = model.manifest.input { .text(input) } else {
                try InstanceReader.instance(Array(input.utf8), for: model)
            }
        var options = LeaveOneOut.Options()
        (options.target, options.method, options.step) = (target, method, step)
        let explainer = LeaveOneOut(SequencePredictor(scheduler: engine.scheduler))
        let answer = try engine.wait { [options] () async throws(ServingError) in
            try await explainer.explain(instance, with: model, options)
        }
        output.print(json: .object(ExplanationAnswer(model).json(answer)), text: text(answer))
    }

    private func text(_ answer: LeaveOneOut.Answer) -> String {
        let target = answer.target
        let name = target.label ?? "\(target.index)"
        let score = target.logit == nil ? "\(Float(target.score))" : percent(target.score)
        let rows = answer.steps.enumerated().map { index, step in
            [
                step.token?.json.plain ?? "\(index)", step.effect.map { "\(Float($0))" } ?? "",
                step.isUnknown ? "unknown" : "",
            ]
        }
        return "\(name), \(score); \(Self.runs(answer.runs))\n"
            + TextTable(columns: ["step", "effect", ""], rows: rows).text
    }

    /// The forward passes in words.
    private static func runs(_ count: Int) -> String { count == 1 ? "1 run" : "\(count) runs" }
}

extension ExplanationMethod: ExpressibleByArgument {}
