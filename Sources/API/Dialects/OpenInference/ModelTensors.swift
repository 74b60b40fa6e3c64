internal import Engine
internal import Models
internal import Support
internal import Tasks

/// What a model takes and answers in the Open Inference Protocol: named tensors whose first dimension is the batch.
///
/// A model of one kind has the same tensors whatever its task is called elsewhere. To add an output: its case in
/// `OutputTensor.Kind`, its line in `outputs(of:)`, and its values in `OutputTensor`.
struct ModelTensors: Sendable {
    /// A tensor of one item.
    struct Description: Sendable, Equatable {
        let name: String
        let dataType: DataType
        /// Without the batch; −1 is any size.
        let dimensions: [Int]
    }

    /// An output; one that is not listed is there for those who ask for it by name.
    struct Output: Sendable, Equatable {
        let kind: OutputTensor.Kind
        let dataType: DataType
        let dimensions: [Int]
        var isListed = true

        var description: Description {
            Description(name: kind.rawValue, dataType: dataType, dimensions: dimensions)
        }
    }

    /// The name of every model's input, as of the tensor that the command line runs a model on.
    static let inputName = "input"
    /// The name of an optional second input of models of sequences: how many steps of each sequence count.
    static let lengthsName = "lengths"
    /// The most items of a request.
    static let maxBatch = PredictRequest.maxInstances

    let input: Description
    let outputs: [Output]

    init(_ model: Model) {
        input = Self.input(of: model)
        outputs = Self.outputs(of: model)
    }

    private static func input(of model: Model) -> Description {
        let (type, dimensions): (DataType, [Int]) =
            switch model.input {
            case .image: (.fp32, model.graph.inputShape.dimensions)
            case .frames: (.bytes, [-1])
            case .sequence(let encoder):
                switch encoder.form {
                case .text: (.bytes, [1])
                case .tokens: (.int64, [-1])
                case .features(let size): (.fp32, [-1, size])
                }
            }
        return Description(name: inputName, dataType: type, dimensions: dimensions)
    }

    /// Clients of images expect one output of a model, so that logits are not listed.
    private static func outputs(of model: Model) -> [Output] {
        let classes = model.classes
        switch model.manifest.task {
        case .imageClassification, .sequenceClassification:
            return [
                Output(kind: .probabilities, dataType: .fp32, dimensions: [classes]),
                Output(kind: .logits, dataType: .fp32, dimensions: [classes], isListed: false),
            ]
        case .tokenClassification:
            return [
                Output(kind: .probabilities, dataType: .fp32, dimensions: [-1, classes]),
                Output(kind: .steps, dataType: .int64, dimensions: [1]),
                Output(kind: .logits, dataType: .fp32, dimensions: [-1, classes], isListed: false),
            ]
        case .sequenceRegression:
            return [Output(kind: .values, dataType: .fp32, dimensions: [classes])]
        case .textGeneration:
            return [
                Output(kind: .logLikelihood, dataType: .fp64, dimensions: [1]),
                Output(kind: .steps, dataType: .int64, dimensions: [1]),
            ]
        case .sequenceToSequence:
            let isText = model.target?.text(of: []) != nil
            return [
                isText
                    ? Output(kind: .text, dataType: .bytes, dimensions: [1])
                    : Output(kind: .tokens, dataType: .int64, dimensions: [-1]),
                Output(kind: .steps, dataType: .int64, dimensions: [1]),
                Output(kind: .score, dataType: .fp64, dimensions: [1]),
            ]
        }
    }

    /// An output that a request asks for, with how it wants it.
    struct Wanted: Sendable {
        let output: Output
        let isBinary: Bool
        let classes: Int?
    }

    /// What a request asks for.
    ///
    /// - Throws: `ServingError` 400 for a name that the model does not have, and for the classes of what has none.
    func wanted(_ request: InferRequest) throws(ServingError) -> [Wanted] {
        let isBinary = request.parameters.isBinary
        guard let asked = request.outputs else {
            return outputs.filter(\.isListed).map { Wanted(output: $0, isBinary: isBinary, classes: nil) }
        }
        return try asked.map { asked throws(ServingError) in
            guard let output = outputs.first(where: { $0.kind.rawValue == asked.name }) else {
                let names = outputs.map(\.kind.rawValue).joined(separator: ", ")
                let name = asked.name.clipped(to: 200)
                throw InferRequest.fault("unexpected inference output '\(name)'; the model has \(names)")
            }
            guard asked.classes == nil || output.kind == .probabilities || output.kind == .logits else {
                throw InferRequest.fault("output '\(asked.name)' has no classes; leave 'classification' out")
            }
            return Wanted(output: output, isBinary: asked.isBinary ?? isBinary, classes: asked.classes)
        }
    }
}
