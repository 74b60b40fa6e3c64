internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Support

/// A model as the Open Inference Protocol and Triton's configuration describe it.
extension Service {
    /// What runs the models, by the name that clients show.
    private static let platform = "martlet"

    /// `GET /v2/models/{model}`: its tensors; the first dimension is the batch.
    ///
    /// A model that waits for its first request is loaded for it.
    func describeTensors(_ call: Call) async throws -> Response {
        let entry = try registry.entry(named: call.model, version: call.version)
        let model = try await described(call)
        let tensors = ModelTensors(model)
        func describe(_ tensor: ModelTensors.Description) -> JSONValue {
            .object([
                "name": .string(tensor.name), "datatype": .string(tensor.dataType.rawValue),
                "shape": .array(((tensors.isBatched ? [-1] : []) + tensor.dimensions).map(JSONValue.integer)),
            ])
        }
        let ready = entry.versions.filter(\.canAnswer).map(\.version)
        return Response(json: [
            "name": .string(model.name), "versions": .strings(call.version.map { [$0] } ?? ready),
            "platform": .string(Self.platform),
            "inputs": .array(tensors.inputs.map(describe)),
            "outputs": .array(tensors.outputs.filter(\.isListed).map { describe($0.description) }),
        ])
    }

    /// `GET /v2/models/{model}/config`: what Triton's `config.pbtxt` would say.
    ///
    /// - Source: Triton's `model_config.proto`, in the JSON form of Protocol Buffers.
    func describeConfiguration(_ call: Call) async throws -> Response {
        let model = try await described(call)
        let tensors = ModelTensors(model)
        let isImage = if case .image = model.input { true } else { false }
        let inputs = tensors.inputs.map { description -> JSONValue in
            var input = Self.tensor(description)
            input.append("format", .string(isImage ? "FORMAT_NCHW" : "FORMAT_NONE"))
            return .object(input)
        }
        let outputs = tensors.outputs.filter(\.isListed).map { output -> JSONValue in
            var tensor = Self.tensor(output.description)
            if output.kind == .probabilities, case .file(let name)? = model.manifest.labels {
                tensor.append("label_filename", .string(name))
            }
            return .object(tensor)
        }
        let others = tensors.outputs.filter { !$0.isListed }.map(\.name)
        let policy = scheduler.policy(of: model.network)
        let microseconds = Int(policy.maxDelay / .microseconds(1))
        var json: JSONObject = [
            "name": .string(model.name), "platform": .string(Self.platform),
            "backend": .string(Self.platform),
        ]
        json.append("version_policy", model.manifest.versions?.configuration)
        json.append(contentsOf: [
            "max_batch_size": .integer(tensors.isBatched ? ModelTensors.maxBatch : 0),
            "input": .array(inputs), "output": .array(outputs),
            "instance_group": .array([
                .object(["name": .string(model.name), "kind": .string("KIND_CPU"), "count": .integer(1)])
            ]),
            "dynamic_batching": .object([
                "preferred_batch_size": .array([.integer(policy.maxBatchSize)]),
                "max_queue_delay_microseconds": .integer(microseconds),
            ]),
            "model_transaction_policy": .object(["decoupled": .bool(false)]),
            "response_cache": .object(["enable": .bool(false)]),
        ])
        if !others.isEmpty {
            let names: JSONObject = ["string_value": .string(others.joined(separator: ","))]
            json.append("parameters", .object(["outputs_on_request": .object(names)]))
        }
        return Response(json: json)
    }

    /// The model that a call names, which is none of its requests for inference.
    private func described(_ call: Call) async throws(ServingError) -> Model {
        try await registry.model(named: call.model, version: call.version, context(of: call))
    }

    private static func tensor(_ tensor: ModelTensors.Description) -> JSONObject {
        [
            "name": .string(tensor.name), "data_type": .string(tensor.dataType.configurationName),
            "dims": .array(tensor.dimensions.map(JSONValue.integer)),
        ]
    }
}

extension VersionPolicy {
    /// As Triton's configuration has it.
    fileprivate var configuration: JSONValue {
        switch self {
        case .all: .object(["all": .object([:])])
        case .latest(let count): .object(["latest": .object(["num_versions": .integer(count)])])
        case .specific(let versions):
            .object(["specific": .object(["versions": .array(versions.map(JSONValue.integer))])])
        }
    }
}
