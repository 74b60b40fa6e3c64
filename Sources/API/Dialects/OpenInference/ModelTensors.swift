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
        let name: String
        let kind: OutputTensor.Kind
        let dataType: DataType
        let dimensions: [Int]
        var isListed = true

        init(kind: OutputTensor.Kind, dataType: DataType, dimensions: [Int], isListed: Bool = true) {
            (name, self.kind, self.dataType, self.dimensions) = (kind.rawValue, kind, dataType, dimensions)
            self.isListed = isListed
        }

        /// An output of the network itself.
        fileprivate init(port: TensorPort, _ dimensions: [Int]) {
            (name, kind, dataType) = (port.name, .port, DataType(output: port.type))
            self.dimensions = dimensions
        }

        var description: Description {
            Description(name: name, dataType: dataType, dimensions: dimensions)
        }
    }

    /// The name of every model's input, as of the tensor that the command line runs a model on.
    static let inputName = "input"
    /// The name of an optional second input of models of sequences: how many steps of each sequence count.
    static let lengthsName = "lengths"
    /// The most items of a request.
    static let maxBatch = PredictRequest.maxInstances

    /// One, but of a network that takes any tensors.
    let inputs: [Description]
    let outputs: [Output]
    /// Whether the first dimension of a tensor is a batch.
    let isBatched: Bool

    /// - Parameters:
    ///   - model: which.
    ///   - ports: of its network for what a request asks for; nil says what any request may have.
    init(_ model: Model, _ ports: NetworkPorts? = nil) {
        if case .tensors(let own) = model.input {
            let place = ports == nil ? \TensorPort.described : \TensorPort.dimensions
            inputs = (ports ?? own).inputs.map {
                Description(name: $0.name, dataType: DataType(input: $0.type), dimensions: $0[keyPath: place])
            }
            outputs = (ports ?? own).outputs.map { Output(port: $0, $0[keyPath: place]) }
            isBatched = (ports ?? own).isBatched
            return
        }
        inputs = [Self.input(of: model)]
        outputs = Self.outputs(of: model)
        isBatched = true
    }

    private static func input(of model: Model) -> Description {
        let (type, dimensions): (DataType, [Int]) =
            switch model.input {
            case .image: (.fp32, model.graph.inputShape.dimensions)
            case .frames: (.bytes, [-1])
            case .regions: (.bytes, [1])
            case .sequence(let encoder):
                switch encoder.form {
                case .text: (.bytes, [1])
                case .tokens: (.int64, [-1])
                case .features(let size): (.fp32, [-1, size])
                }
            case .tensors: (.fp32, []) // has its own names
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
        case .sequenceToSequence, .imageCaptioning:
            let isText = model.target?.text(of: []) != nil
            return [
                isText
                    ? Output(kind: .text, dataType: .bytes, dimensions: [1])
                    : Output(kind: .tokens, dataType: .int64, dimensions: [-1]),
                Output(kind: .steps, dataType: .int64, dimensions: [1]),
                Output(kind: .score, dataType: .fp64, dimensions: [1]),
            ]
        case .objectDetection:
            return [
                Output(kind: .boxes, dataType: .fp32, dimensions: [-1, 4]),
                Output(kind: .scores, dataType: .fp32, dimensions: [-1]),
                Output(kind: .labels, dataType: .int64, dimensions: [-1]),
                Output(kind: .count, dataType: .int64, dimensions: [1]),
            ]
        case .semanticSegmentation:
            return [Output(kind: .map, dataType: .int32, dimensions: [-1, -1])]
        case .embedding:
            let layer = try? FeatureExtraction.Layer(nil, of: model) // a model without one is not loaded
            return [
                Output(kind: .embedding, dataType: .fp32, dimensions: layer?.shape.dimensions ?? [-1])
            ]
        case .tensors: return [] // which have their own names
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
            guard let output = outputs.first(where: { $0.name == asked.name }) else {
                let names = outputs.map(\.name).joined(separator: ", ")
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

extension DataType {
    /// What a network's input of a type is called.
    fileprivate init(input type: ElementType) {
        self = Self.allCases.first { $0.elementType == type } ?? .fp32
    }

    /// What an output is sent as: half floats are sent as those that the engine has.
    fileprivate init(output type: ElementType) {
        switch type {
        case .f16, .bf16: self = .fp32
        default: self.init(input: type)
        }
    }
}
