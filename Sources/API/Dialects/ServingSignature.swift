internal import Engine
internal import Models
internal import Support

/// What a model takes and answers as a TensorFlow signature: tensors with names, types and shapes.
///
/// - Source: tensorflow/serving, `apis/get_model_metadata.proto`; tensorflow, `core/protobuf/meta_graph.proto`, as JSON.
enum ServingSignature {
    private static let standard = "serving_default"

    /// Requires that a request names no signature, or one that the model has.
    static func check(_ name: JSONValue, of model: Model) throws(ServingError) {
        let known = names(of: model)
        switch name {
        case .null: return
        case .string(let name) where name.isEmpty || known.contains(name): return
        case .string(let name):
            let message = "signature_name: '\(name.clipped(to: 200))' is not in the model's signatures"
            throw .badRequest(
                "\(message); it has \(known.joined(separator: ", "))",
                code: "unknown_signature"
            )
        default: throw .invalidParameter("signature_name", expected: "a string", found: name.kind)
        }
    }

    private static func names(of model: Model) -> [String] {
        switch model.manifest.task {
        case .imageClassification, .sequenceClassification: [standard, "predict", "classify"]
        case .sequenceRegression where model.classes == 1: [standard, "predict", "regress"]
        default: [standard, "predict"]
        }
    }

    /// A `GetModelMetadataResponse`.
    static func metadata(of model: Model) -> JSONObject {
        let signature = JSONValue.object([
            "inputs": .object(input(of: model)), "outputs": .object(outputs(of: model)),
            "method_name": .string("tensorflow/serving/predict"),
        ])
        return [
            "model_spec": .object([
                "name": .string(model.name), "signature_name": .string(""), "version": .string(model.version),
            ]),
            "metadata": .object([
                "signature_def": .object(["signature_def": .object([standard: signature])])
            ]),
        ]
    }

    private static func input(of model: Model) -> JSONObject {
        if case .tensors(let ports) = model.input { return tensors(ports.inputs, isBatched: ports.isBatched) }
        let name = InstanceReader(model.input).inputName
        let (type, shape): (String, [Int]) =
            switch model.manifest.input {
            case .image, .text: ("DT_STRING", [-1])
            case .frames: ("DT_STRING", [-1, -1])
            case .tokens: ("DT_INT32", [-1, -1])
            case .features(let description): ("DT_FLOAT", [-1, -1, description.size])
            case .tensors: ("DT_FLOAT", []) // has its own names
            }
        return [name: tensor(name, type, shape)]
    }

    private static func tensors(_ ports: [TensorPort], isBatched: Bool) -> JSONObject {
        var json = JSONObject()
        for port in ports {
            let shape = (isBatched ? [-1] : []) + port.described
            json.append(port.name, tensor(port.name, port.type.tensorFlowName, shape))
        }
        return json
    }

    private static func outputs(of model: Model) -> JSONObject {
        if case .tensors(let ports) = model.head { return tensors(ports.outputs, isBatched: ports.isBatched) }
        let shape = model.manifest.task == .tokenClassification ? [-1, -1] : [-1]
        let columns: [(name: String, type: String, shape: [Int])] =
            switch model.manifest.task {
            case .imageClassification, .sequenceClassification, .tokenClassification:
                [
                    ("label", "DT_STRING", shape), ("index", "DT_INT32", shape),
                    ("probability", "DT_FLOAT", shape),
                ]
            case .sequenceRegression: [("value", "DT_FLOAT", [-1, model.classes])]
            case .textGeneration: [("log_likelihood", "DT_DOUBLE", [-1]), ("tokens", "DT_INT32", [-1])]
            case .sequenceToSequence, .imageCaptioning:
                [
                    ("text", "DT_STRING", [-1]), ("tokens", "DT_STRING", [-1, -1]),
                    ("score", "DT_DOUBLE", [-1]),
                ]
            case .objectDetection: [("detections", "DT_VARIANT", [-1, -1])]
            case .semanticSegmentation: [("map", "DT_VARIANT", [-1]), ("classes", "DT_VARIANT", [-1, -1])]
            case .embedding: [("embedding", "DT_FLOAT", [-1, -1])]
            case .tensors: []
            }
        var json = JSONObject()
        for column in columns { json.append(column.name, tensor(column.name, column.type, column.shape)) }
        return json
    }

    private static func tensor(_ name: String, _ type: String, _ shape: [Int]) -> JSONValue {
        let dimensions = shape.map { size in
            JSONValue.object(["size": .string(String(size)), "name": .string("")])
        }
        return .object([
            "dtype": .string(type),
            "tensor_shape": .object(["dim": .array(dimensions), "unknown_rank": .bool(false)]),
            "name": .string("\(name):0"),
        ])
    }
}

extension ElementType {
    /// As TensorFlow's `types.proto` names it.
    fileprivate var tensorFlowName: String {
        switch self {
        case .f32, .f8e4m3, .f8e5m2, .c64: "DT_FLOAT"
        case .f16: "DT_HALF"
        case .bf16: "DT_BFLOAT16"
        case .f64: "DT_DOUBLE"
        case .bool: "DT_BOOL"
        case .i64, .i32, .i16, .i8: "DT_INT\(size * 8)"
        case .u64, .u32, .u16, .u8: "DT_UINT\(size * 8)"
        }
    }
}

extension Schema {
    static let servingMetadata = Schema.named(
        "ModelMetadata",
        .object([
            "model_spec": .object(["name": .string(), "signature_name": .string(), "version": .string()]),
            "metadata": .object(["signature_def": .map(of: .any)]),
        ])
    )

    static let examples = Schema.named(
        "Examples",
        .closed([
            "examples": .array(of: .map(of: .any), atLeast: 1, atMost: PredictRequest.maxInstances),
            "signature_name?": .string().orNull, "context?": .closed([:]).orNull,
        ])
    )
}
