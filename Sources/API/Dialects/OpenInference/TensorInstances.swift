internal import Engine
internal import HTTP
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The tensors of a request as the instances that its model takes.
///
/// A tensor of numbers for a model of images is what the network sees; elements of bytes are encoded images, texts or
/// frames. Numbers that lie in the body are copied once, into the tensors that the engine runs.
struct TensorInstances {
    let instances: [Instance]
    /// For the numbers.
    private let lease: MemoryLease?

    /// - Parameters:
    ///   - request: what the client sent.
    ///   - body: where its bytes lie.
    ///   - model: what it is for.
    ///   - ports: of its network for the shapes of the request; nil for the model's own.
    ///   - budget: what the numbers are leased from.
    /// - Throws: `ServingError` 400 for a tensor that is not the model's, 503 when there is no memory.
    init(
        _ request: InferRequest,
        _ body: [UInt8],
        for model: Model,
        _ ports: NetworkPorts?,
        _ budget: MemoryBudget
    ) throws(ServingError) {
        if case .tensors(let own) = model.input {
            (instances, lease) = try TensorItems.items(request, body, ports ?? own, budget)
            return
        }
        let tensors = ModelTensors(model)
        let input = try Self.input(of: request, tensors, model)
        let lengths = try Self.lengths(request, of: input, body)
        if lengths != nil, tensors.inputs[0].dimensions.first != -1 {
            throw InferRequest.fault("input 'lengths': the model takes no padded sequences")
        }
        lease = input.dataType == .bytes ? nil : try budget.require(input.count * 4, for: .tensors)
        let reader = InputReader(input: input, body: body, lengths: lengths)
        switch model.input {
        case .regions: instances = try reader.images()
        case .image where input.dataType == .bytes: instances = try reader.images()
        case .image: instances = try reader.tensors(model.graph.inputShape)
        case .tensors: instances = [] // which were read above
        case .frames: instances = try reader.clips()
        case .sequence(let encoder):
            instances =
                switch encoder.form {
                case .text: try reader.texts()
                case .tokens: try reader.tokens()
                case .features(let size): try reader.features(size)
                }
        }
    }

    private static func input(
        of request: InferRequest,
        _ tensors: ModelTensors,
        _ model: Model
    ) throws(ServingError) -> InferRequest.Input {
        let known = [ModelTensors.inputName, ModelTensors.lengthsName]
        if let other = request.inputs.first(where: { !known.contains($0.name) }) {
            let name = other.name.clipped(to: 200)
            throw InferRequest.fault(
                "unexpected inference input '\(name)'; model '\(model.name)' takes '\(tensors.inputs[0].name)'"
            )
        }
        guard let input = request.inputs.first(where: { $0.name == ModelTensors.inputName }) else {
            throw InferRequest.fault("expected the input '\(tensors.inputs[0].name)', found none")
        }
        let hasFitting =
            switch model.input {
            case .image: input.dataType.isNumber || input.dataType == .bytes
            case .tensors: false
            case .frames, .regions: input.dataType == .bytes
            case .sequence(let encoder):
                switch encoder.form {
                case .text: input.dataType == .bytes
                case .tokens: input.dataType.isInteger
                case .features: input.dataType.isNumber
                }
            }
        guard hasFitting else {
            let expected = "expected datatype \(tensors.inputs[0].dataType.rawValue)"
            throw InferRequest.fault("input 'input': \(expected), found \(input.dataType.rawValue)")
        }
        let items = input.shape.first ?? 0
        guard 1...ModelTensors.maxBatch ~= items else {
            let expected = "expected a batch of 1 to \(ModelTensors.maxBatch)"
            throw InferRequest.fault("input 'input': \(expected), found shape \(input.shape)")
        }
        return input
    }

    /// How many steps of each sequence count, of those that the tensor has.
    private static func lengths(
        _ request: InferRequest,
        of input: InferRequest.Input,
        _ body: [UInt8]
    ) throws(ServingError) -> [Int]? {
        guard let lengths = request.inputs.first(where: { $0.name == ModelTensors.lengthsName }) else {
            return nil
        }
        let items = input.shape[0]
        guard lengths.dataType.isInteger, lengths.shape == [items] || lengths.shape == [items, 1] else {
            let found = "\(lengths.dataType.rawValue) \(lengths.shape)"
            throw InferRequest.fault("input 'lengths': expected INT64 [\(items), 1], found \(found)")
        }
        let steps = input.shape.count > 1 ? input.shape[1] : 0
        return try InputReader(input: lengths, body: body, lengths: nil).numbers().map {
            length throws(ServingError) in
            guard let count = Int(exactly: length), 1...max(steps, 1) ~= count else {
                throw InferRequest.fault("input 'lengths': expected 1 to \(steps), found \(length)")
            }
            return count
        }
    }
}

/// Makes instances of one input.
struct InputReader {
    let input: InferRequest.Input
    let body: [UInt8]
    /// How many steps of each sequence count; nil for all.
    let lengths: [Int]?

    private var items: Int { input.shape[0] }

    private func require(_ isFitting: Bool, _ expected: String) throws(ServingError) {
        guard !isFitting else { return }
        throw InferRequest.fault("input '\(input.name)': expected shape \(expected), found \(input.shape)")
    }

    private func outOfMemory(_ error: SystemError) -> ServingError {
        .memoryFull(wanted: input.count * 4, limit: 0)
    }

    // MARK: Numbers

    /// The numbers of the input as floats.
    func numbers() throws(ServingError) -> [Float] {
        switch input.data {
        case .numbers(let numbers): return numbers
        case .bytes(let range): return try tensor(range, [input.count]).values
        case .elements: return []
        }
    }

    private func tensor(_ range: Range<Int>, _ shape: Shape) throws(ServingError) -> Tensor {
        guard let type = input.dataType.elementType else { throw .internalError("a tensor of elements") }
        return try Tensor(
            shape: shape,
            body.span.extracting(range),
            of: type,
            outOfMemory: outOfMemory
        )
    }

    /// A tensor for each item.
    func tensors(_ shape: Shape) throws(ServingError) -> [Instance] {
        let expected = "[-1, \(shape.dimensions.map(String.init).joined(separator: ", "))], or BYTES [-1]"
        try require(Array(input.shape.dropFirst()) == shape.dimensions, expected)
        // One memory for all: large pages are touched sooner than many small ones.
        return try batch().items.map(Instance.tensor)
    }

    /// All numbers, copied once.
    private func batch() throws(ServingError) -> Tensor {
        let shape = Shape(input.shape)
        switch input.data {
        case .bytes(let range): return try tensor(range, shape)
        case .numbers(let numbers):
            return try Tensor(shape: shape, outOfMemory: outOfMemory) { (target) throws(ServingError) in
                for index in numbers.indices { target[index] = numbers[index] }
            }
        case .elements: throw .internalError("a tensor of elements")
        }
    }

    /// The numbers of each sequence, of `size` at each step, without what is beyond its length.
    private func sequences(_ size: Int) throws(ServingError) -> [ArraySlice<Float>] {
        let numbers = try numbers()
        let steps = numbers.count / items / size
        return (0..<items).map { item in
            let start = item * steps * size
            return numbers[start..<start + (lengths?[item] ?? steps) * size]
        }
    }

    func tokens() throws(ServingError) -> [Instance] {
        try require(input.shape.count == 2, "[-1, -1]")
        return try sequences(1).map { sequence throws(ServingError) in
            .tokens(
                try sequence.map { number throws(ServingError) in
                    // Tokens are below 2²⁴, which floats hold exactly.
                    guard let token = Int32(exactly: number) else {
                        throw .badRequest("there is no token \(number)", code: "unknown_token")
                    }
                    return token
                }
            )
        }
    }

    func features(_ size: Int) throws(ServingError) -> [Instance] {
        try require(input.shape.count == 3 && input.shape[2] == size, "[-1, -1, \(size)]")
        return try sequences(size).map { .features(Array($0)) }
    }

    // MARK: Elements

    /// The elements; those of JSON are the text itself, or base64.
    private func elements(inBase64: Bool) throws(ServingError) -> [ArraySlice<UInt8>] {
        guard case .elements(let elements, let isJSON) = input.data else { return [] }
        guard isJSON, inBase64 else { return elements }
        return try elements.enumerated().map { index, text throws(ServingError) in
            guard let bytes = Base64.decode(text) else {
                let place = "input '\(input.name)', element \(index)"
                throw .badRequest("\(place): expected an image in base64", code: "invalid_base64")
            }
            return bytes[...]
        }
    }

    /// One element for each item.
    private func requireColumn() throws(ServingError) {
        try require(input.shape.count == 1 || input.shape.dropFirst() == [1], "[-1] or [-1, 1]")
    }

    func images() throws(ServingError) -> [Instance] {
        try requireColumn()
        return try elements(inBase64: true).map(Instance.image)
    }

    func texts() throws(ServingError) -> [Instance] {
        try requireColumn()
        return try elements(inBase64: false).enumerated().map { index, bytes throws(ServingError) in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw .badRequest("input 'input', element \(index): not valid UTF-8", code: "invalid_utf8")
            }
            return .text(text)
        }
    }

    func clips() throws(ServingError) -> [Instance] {
        try require(input.shape.count == 2, "[-1, -1], a clip of frames for each item")
        let frames = try elements(inBase64: true)
        let steps = input.shape[1]
        return (0..<items).map { item in
            .clip(Array(frames[item * steps..<item * steps + (lengths?[item] ?? steps)]))
        }
    }
}
