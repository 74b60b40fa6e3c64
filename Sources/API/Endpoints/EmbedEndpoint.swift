internal import Engine
internal import HTTP
internal import HTTPTypes
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    fileprivate static let binaryType = "application/octet-stream"
    private static let embedQuery: [RouteDescription.Parameter] = [
        .init(
            "layer",
            .string(),
            "The value of the network by name; what its last layer takes when it is left out"
        ),
        .timeout,
    ]
    private static let embedParameters = embedQuery.map(\.name)
    static let embedDescription = RouteDescription(
        "The features of images or sequences, as JSON or as 32-bit floats",
        query: embedQuery,
        takes: RouteDescription.Content.image
            + [.json(.anyOf([.imagesInJSON, .predictRequest])), .form(.imageForm), .text],
        answers: .init(content: [.json(.embeddings), .init(type: binaryType, schema: .bytes)])
    )

    /// `POST /v1/models/{model}:embed`: images or sequences in, the numbers out that the network makes of them on the way.
    func embed(_ call: Call) async throws -> Response {
        var call = call
        let (model, inputs) = try await begin(&call)
        defer { withExtendedLifetime(inputs) {} }
        guard case .image = model.input else { return try await embedSequences(call, model) }
        let (upload, parameters, context) = try images(of: call, known: Self.embedParameters)
        let layer = try FeatureExtraction.Layer(parameters.text("layer"), of: model)
        let lease = try leaseEmbeddings(layer, count: upload.images.count)
        defer { withExtendedLifetime(lease) {} }
        let results = try await FeatureExtraction(classifier, predictor).features(
            ofImages: upload.images,
            layer,
            of: model,
            admission: call.admission,
            context
        )
        return try EmbeddingAnswer(model, layer).response(
            results,
            isList: upload.isList,
            isBinary: Self.wantsBinary(call.request)
        )
    }

    private func embedSequences(_ call: Call, _ model: Model) async throws -> Response {
        let parameters = try RequestParameters(call.request.query.pairs, known: Self.embedParameters)
        let context = try context(of: call, parameters)
        guard model.manifest.task != .sequenceToSequence else {
            let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
            throw ServingError.badRequest(
                "\(task), and has no features of a whole sequence",
                code: "wrong_task"
            )
        }
        let layer = try FeatureExtraction.Layer(parameters.text("layer"), of: model)
        let request = try PredictRequest(call.request, for: model, context)
        if let fault = request.fault { throw fault }
        guard request.sequence == nil, request.horizon == nil else {
            throw ServingError.badRequest(
                "expected whole sequences, and no horizon",
                code: "invalid_parameter"
            )
        }
        let steps = request.instances.reduce(0) { $0 + $1.steps }
        let lease = try leaseEmbeddings(layer, count: max(request.instances.count, steps))
        defer { withExtendedLifetime(lease) {} }
        let features = try await FeatureExtraction(classifier, predictor).features(
            ofInstances: request.instances,
            layer,
            of: model,
            admission: call.admission,
            context
        )
        return try EmbeddingAnswer(model, layer).response(
            features.map { .success($0) },
            isList: true,
            isBinary: Self.wantsBinary(call.request)
        )
    }

    private static func wantsBinary(_ request: Request) -> Bool {
        MediaPreference.choice(request.accept, among: ["application/json", binaryType]) == 1
    }

    /// Leases what features take, as numbers and as text.
    private func leaseEmbeddings(_ layer: FeatureExtraction.Layer, count: Int) throws -> MemoryLease {
        try leaseAnswer(of: count * layer.shape.elementCount * 16, to: "inputs")
    }
}

/// How features are written.
struct EmbeddingAnswer {
    private let model: Model
    private let layer: FeatureExtraction.Layer

    init(_ model: Model, _ layer: FeatureExtraction.Layer) {
        self.model = model
        self.layer = layer
    }

    /// One embedding as it is, several as a list in which each that failed has its own error.
    func response(
        _ results: [Result<Features, ServingError>],
        isList: Bool,
        isBinary: Bool
    ) throws(ServingError) -> Response {
        if isBinary { return try binary(results) }
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        json.append("layer", layer.name.map(JSONValue.string))
        let entries = results.map { result in
            switch result {
            case .success(let features): return Self.json(features)
            case .failure(let error): return error.json
            }
        }
        if isList {
            json.append("results", .array(entries.map(JSONValue.object)))
        } else {
            json.append(contentsOf: Self.json(try results[0].get()))
        }
        return Response(json: json).varying
    }

    private static func json(_ features: Features) -> JSONObject {
        [
            "shape": .array(features.shape.dimensions.map(JSONValue.integer)),
            "embedding": .array(features.values.map(JSONValue.float)),
        ]
    }

    /// The numbers of all inputs one after another, the lowest byte of each first; `X-Tensor-Shape` says how many there are.
    private func binary(_ results: [Result<Features, ServingError>]) throws(ServingError) -> Response {
        let features = try results.map { result throws(ServingError) in try result.get() }
        guard features.allSatisfy({ $0.shape == features[0].shape }) else {
            let shapes = Set(features.map(\.shape.description)).sorted().joined(separator: ", ")
            throw .badRequest(
                "the inputs have features of several shapes (\(shapes)), which are not one tensor; ask for JSON",
                code: "ragged_tensor"
            )
        }
        var body: [UInt8] = []
        body.reserveCapacity(features.count * features[0].values.count * 4)
        for number in features.lazy.flatMap(\.values) {
            body.append(littleEndian: number.bitPattern)
        }
        let shape = [features.count] + features[0].shape.dimensions
        var response = Response(fields: [.contentType: Service.binaryType], body: body).varying
        response.fields[.tensorShape] = shape.map(String.init).joined(separator: ", ")
        response.fields[.tensorType] = "float32"
        return response
    }
}

extension HTTPField.Name {
    // Tokens: never the alternative.
    fileprivate static let tensorShape = HTTPField.Name("X-Tensor-Shape") ?? .server
    fileprivate static let tensorType = HTTPField.Name("X-Tensor-Type") ?? .server
}
