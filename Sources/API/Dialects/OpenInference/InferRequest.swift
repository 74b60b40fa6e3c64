internal import Engine
internal import HTTP
package import Platform
internal import Support

/// An inference request of the Open Inference Protocol as its bytes say it, before any model is asked.
///
/// A JSON text describes the tensors; those with a `binary_data_size` lie behind it one after another. Numbers stay where
/// they are in the body, numbers of JSON are read into an array, and what is read is leased first. All sizes are checked
/// here: nothing is left over, nothing overlaps, nothing is missing.
/// - Source: Open Inference Protocol, REST, "Inference"; Triton's `extension_binary_data.md`.
package struct InferRequest: Sendable {
    /// One tensor.
    package struct Input: Sendable {
        package let name: String
        package let dataType: DataType
        package let shape: [Int]
        /// The product of the shape, at least 1.
        package let count: Int
        package let data: Contents
    }

    /// The elements of a tensor, row-major.
    package enum Contents: Sendable {
        /// Numbers that lie in the body, the lowest byte first.
        case bytes(Range<Int>)
        /// Numbers of JSON.
        case numbers([Float])
        /// Elements of any length; those of JSON as the text that stands there.
        case elements([ArraySlice<UInt8>], isJSON: Bool)
    }

    /// A tensor that is asked for.
    package struct Output: Sendable, Equatable {
        package let name: String
        /// nil leaves it to the request.
        package var isBinary: Bool?
        /// How many of the best classes are asked for, in place of the numbers.
        package var classes: Int?
    }

    /// The most tensors of a request, in and out.
    static let maxTensors = 32

    package private(set) var id: String?
    private(set) var parameters = InferParameters()
    package private(set) var inputs: [Input] = []
    /// nil: what the model lists.
    package private(set) var outputs: [Output]?
    /// For what was read.
    private var leases: [MemoryLease] = []

    /// Reads a body whose first `headerLength` bytes are JSON.
    ///
    /// - Parameters:
    ///   - body: the whole body.
    ///   - headerLength: nil: all is JSON.
    ///   - budget: what the numbers and elements are leased from.
    ///   - check: called now and then; what it throws ends the reading.
    /// - Throws: `ServingError` 400 that names what is wrong, and what leasing throws.
    package init(
        _ body: [UInt8],
        headerLength: Int? = nil,
        budget: MemoryBudget,
        check: @escaping () throws -> Void = {}
    ) throws {
        let length = headerLength ?? body.count
        guard 0...body.count ~= length else {
            let range = "inference header size should be in range (0, \(body.count))"
            throw ServingError.badRequest("\(range), got: \(length)", code: "invalid_header_length")
        }
        // For the strings of the JSON, which are copied where they hold more than plain ASCII, and for its own copy.
        let strings = try budget.require(length < body.count ? 2 * length : length, for: .inputs)
        let text = length < body.count ? Array(body[..<length]) : body
        var drafts: [InputDraft] = []
        do {
            var reader = JSONPullReader(text, maxTreeValues: RequestBody.maxTreeValues, check: check)
            guard try reader.kind() == .object else {
                throw Self.fault("the body: expected a JSON object, found \(try reader.kind().name)")
            }
            try reader.object { reader, name in
                switch name {
                case "id": id = try Self.string(&reader, "id")
                case "parameters": parameters = try InferParameters(&reader, text)
                case "inputs":
                    try Self.list(&reader, "inputs") { reader, place in
                        drafts.append(try InputDraft(&reader, place, text.count, &leases, budget))
                    }
                case "outputs":
                    var list: [Output] = []
                    try Self.list(&reader, "outputs") { list.append(try Self.output(&$0, $1)) }
                    outputs = list.isEmpty ? nil : list
                default: try reader.skip()
                }
            }
            try reader.end()
        } catch let error as JSONError {
            throw Self.fault("the request's JSON is \(error.description)")
        } catch let error as FormatError {
            throw ServingError.badRequest(error.description, code: "invalid_parameter")
        }
        if drafts.contains(where: \.hasStrings) { leases.append(strings) }
        try assign(drafts, body, from: length, budget)
        try checkNames()
    }

    /// A body that is one tensor's data: a batch of one, of which all outputs are wanted in binary.
    package init(raw body: [UInt8], name: String, _ dataType: DataType, shape: [Int]) {
        let count = shape.reduce(1, *)
        let data: Contents =
            dataType == .bytes ? .elements([body[...]], isJSON: false) : .bytes(0..<body.count)
        inputs = [Input(name: name, dataType: dataType, shape: shape, count: count, data: data)]
        parameters.isBinary = true
    }

    static func fault(_ message: String) -> ServingError { .badRequest(message, code: "invalid_request") }

    private func checkNames() throws(ServingError) {
        for (kind, names) in [("input", inputs.map(\.name)), ("output", outputs?.map(\.name) ?? [])] {
            var known: Set<String> = []
            guard let twice = names.first(where: { !known.insert($0).inserted }) else { continue }
            throw Self.fault("\(kind) '\(twice.clipped(to: 200))' is there twice")
        }
    }
}

// MARK: JSON

extension InferRequest {
    static func string(_ reader: inout JSONPullReader, _ place: String) throws -> String {
        let kind = try reader.kind()
        guard kind == .string else { throw fault("\(place): expected a string, found \(kind.name)") }
        return try reader.string()
    }

    private static func list(
        _ reader: inout JSONPullReader,
        _ name: String,
        _ read: (inout JSONPullReader, String) throws -> Void
    ) throws {
        let kind = try reader.kind()
        guard kind == .array else { throw fault("\(name): expected an array, found \(kind.name)") }
        try reader.array { reader, index in
            guard index < maxTensors else { throw fault("\(name): expected at most \(maxTensors)") }
            let kind = try reader.kind()
            guard kind == .object else {
                throw fault("\(name)[\(index)]: expected an object, found \(kind.name)")
            }
            try read(&reader, "\(name)[\(index)]")
        }
    }

    private static func output(_ reader: inout JSONPullReader, _ place: String) throws -> Output {
        let fields = try JSONReader(reader.value(), path: place).members()
        var output = Output(name: try fields.required("name").string())
        guard let parameters = try fields.optional("parameters")?.members() else { return output }
        if let region = parameters.optional("shared_memory_region") {
            throw region.fault("shared memory is not supported; the answer has the data")
        }
        output.isBinary = try parameters.optional("binary_data")?.bool()
        let classes = try parameters.optional("classification")?.integer(in: 0...1_000_000)
        output.classes = classes == 0 ? nil : classes
        return output
    }
}

// MARK: Binary data

extension InferRequest {
    /// Gives each input without JSON its bytes, in order.
    private mutating func assign(
        _ drafts: [InputDraft],
        _ body: [UInt8],
        from start: Int,
        _ budget: MemoryBudget
    ) throws {
        var offset = start
        for draft in drafts {
            guard let name = draft.name, let type = draft.dataType, let shape = draft.shape else { continue }
            var data = draft.data
            if let size = draft.binarySize {
                guard size <= body.count - offset else {
                    let missing = "expecting \(size - (body.count - offset)) additional bytes"
                    throw Self.fault("unexpected size for input '\(name.clipped(to: 200))', \(missing)")
                }
                let range = offset..<offset + size
                offset += size
                if let element = type.elementType {
                    guard size == draft.count * element.size else {
                        let expected =
                            "\(draft.count) elements of \(type.rawValue), \(draft.count * element.size) bytes"
                        throw Self.fault(
                            "input '\(name.clipped(to: 200))': expected \(expected), found \(size) bytes"
                        )
                    }
                    data = .bytes(range)
                } else {
                    guard draft.count <= size / 4 else {
                        throw Self.fault(
                            "input '\(name.clipped(to: 200))': expected \(draft.count) elements, found fewer"
                        )
                    }
                    leases.append(try budget.require(draft.count * InputDraft.bytesPerElement, for: .inputs))
                    data = .elements(try Self.elements(body[range], draft.count, name), isJSON: false)
                }
            }
            guard let data else { continue }
            inputs.append(Input(name: name, dataType: type, shape: shape, count: draft.count, data: data))
        }
        guard offset == body.count else {
            let rest = "\(body.count - offset) bytes are left over"
            throw Self.fault("unexpected additional input data: \(rest)")
        }
    }

    /// Elements of any length: each is a number of 4 bytes, the lowest first, and as many bytes.
    private static func elements(
        _ bytes: ArraySlice<UInt8>,
        _ count: Int,
        _ name: String
    ) throws(ServingError) -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        elements.reserveCapacity(count)
        var rest = bytes
        for index in 0..<count {
            guard rest.count >= 4 else { break }
            let size = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard size <= rest.count else {
                let place = "input '\(name.clipped(to: 200))', element \(index)"
                throw fault("\(place): expected \(size) bytes, found \(rest.count)")
            }
            elements.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        guard elements.count == count, rest.isEmpty else {
            let found = elements.count == count ? "\(rest.count) bytes more" : "\(elements.count)"
            throw fault("input '\(name.clipped(to: 200))': expected \(count) elements, found \(found)")
        }
        return elements
    }
}
