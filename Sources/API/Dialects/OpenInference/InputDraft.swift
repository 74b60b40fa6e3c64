internal import Platform
internal import Support

/// An input as the JSON of a request describes it; its data may lie behind the JSON.
struct InputDraft {
    private static let maxDimensions = 16
    /// What a slice takes.
    static let bytesPerElement = 32

    var name: String?
    var dataType: DataType?
    var shape: [Int]?
    var count = 0
    var binarySize: Int?
    var data: InferRequest.Contents?
    /// Where its data stands, when that came before what it is.
    var place: JSONPullReader?

    private init() {}

    /// Whether it holds strings of the JSON.
    var hasStrings: Bool { if case .elements = data { true } else { false } }

    /// Reads the object that comes next.
    ///
    /// - Parameters:
    ///   - reader: stands before an object.
    ///   - place: where it stands, for messages.
    ///   - textCount: the size of the whole text.
    ///   - leases: gets those of what is read.
    ///   - budget: what that is leased from.
    /// - Throws: `ServingError` 400 that names what is wrong, and what the reader and leasing throw.
    init(
        _ reader: inout JSONPullReader,
        _ place: String,
        _ textCount: Int,
        _ leases: inout [MemoryLease],
        _ budget: MemoryBudget
    ) throws {
        var draft = InputDraft()
        try reader.object { reader, key in
            switch key {
            case "name": draft.name = try InferRequest.string(&reader, "\(place).name")
            case "datatype":
                let name = try InferRequest.string(&reader, "\(place).datatype")
                draft.dataType = try Self.dataType(name, place)
            case "shape": (draft.shape, draft.count) = try Self.shape(&reader, "\(place).shape")
            case "parameters":
                draft.binarySize = try Self.binarySize(&reader, "\(place).parameters")
            case "data" where draft.dataType != nil && draft.shape != nil:
                draft.data = try Self.data(&reader, of: draft, place, textCount, &leases, budget)
            case "data":
                draft.place = reader
                try reader.skip()
            default: try reader.skip()
            }
        }
        for (key, isMissing) in [
            ("name", draft.name == nil), ("datatype", draft.dataType == nil), ("shape", draft.shape == nil),
        ] where isMissing { throw InferRequest.fault("\(place): '\(key)' is missing") }
        if var before = draft.place.take() {
            draft.data = try Self.data(&before, of: draft, place, textCount, &leases, budget)
        }
        guard (draft.data == nil) != (draft.binarySize == nil) else {
            let found = draft.data == nil ? "neither" : "both"
            throw InferRequest.fault(
                "\(place): expected 'data' or parameters.binary_data_size, found \(found)"
            )
        }
        self = draft
    }

    private static func dataType(_ name: String, _ place: String) throws(ServingError) -> DataType {
        if let type = DataType(rawValue: name) { return type }
        let known = DataType.allCases.map(\.rawValue)
        let hint = didYouMean(name, known)
        throw InferRequest.fault("\(place).datatype: unknown datatype '\(name.clipped(to: 40))'\(hint)")
    }

    /// The dimensions and their product.
    private static func shape(_ reader: inout JSONPullReader, _ place: String) throws -> ([Int], Int) {
        let kind = try reader.kind()
        guard kind == .array else {
            throw InferRequest.fault("\(place): expected an array, found \(kind.name)")
        }
        var (shape, count) = ([Int](), 1)
        try reader.array { reader, index in
            let kind = try reader.kind()
            guard index < maxDimensions, kind == .number else {
                throw InferRequest.fault(
                    "\(place): expected at most \(maxDimensions) whole numbers, found \(kind.name)"
                )
            }
            let number = try reader.number()
            guard let dimension = Int(exactly: number), dimension >= 1 else {
                let found = JSONValue.number(number).text
                throw InferRequest.fault("\(place): expected whole numbers of at least 1, found \(found)")
            }
            let (product, overflows) = count.multipliedReportingOverflow(by: dimension)
            guard !overflows, product <= 1 << 40 else {
                throw InferRequest.fault("\(place): the tensor has too many elements")
            }
            shape.append(dimension)
            count = product
        }
        return (shape, count)
    }

    private static func binarySize(_ reader: inout JSONPullReader, _ place: String) throws -> Int? {
        let fields = try JSONReader(reader.value(), path: place).members()
        if let region = fields.optional("shared_memory_region") {
            throw region.fault("shared memory is not supported; send the data with the request")
        }
        return try fields.optional("binary_data_size")?.integer(in: 0...1 << 50)
    }

    /// The elements of a tensor in JSON, flat or nested, as many as its shape has.
    private static func data(
        _ reader: inout JSONPullReader,
        of draft: InputDraft,
        _ place: String,
        _ textCount: Int,
        _ leases: inout [MemoryLease],
        _ budget: MemoryBudget
    ) throws -> InferRequest.Contents {
        let (count, type) = (draft.count, draft.dataType ?? .bytes)
        let kind = try reader.kind()
        guard kind == .array else {
            throw InferRequest.fault("\(place).data: expected an array, found \(kind.name)")
        }
        // An element has at least a byte and a comma.
        guard count <= textCount / 2 else { throw Self.wrongCount("fewer", count, place) }
        if type == .bytes {
            leases.append(try budget.require(count * bytesPerElement, for: .inputs))
            var elements: [ArraySlice<UInt8>] = []
            elements.reserveCapacity(count)
            try Self.strings(&reader, into: &elements, count, place)
            guard elements.count == count else { throw wrongCount("\(elements.count)", count, place) }
            return .elements(elements, isJSON: true)
        }
        guard type != .fp16, type != .bf16 else {
            throw InferRequest.fault(
                "\(place).data: \(type.rawValue) has no form in JSON; send it as binary data"
            )
        }
        leases.append(try budget.require(count * MemoryLayout<Float>.size, for: .inputs))
        var numbers: [Float] = []
        numbers.reserveCapacity(count)
        try Self.numbers(&reader, into: &numbers, count, type, place)
        guard numbers.count == count else { throw wrongCount("\(numbers.count)", count, place) }
        if let range = type.range,
            let wrong = numbers.first(where: { $0 != $0.rounded() || !range.contains(Double($0)) })
        {
            throw InferRequest.fault("\(place).data: \(wrong) is no \(type.rawValue)")
        }
        return .numbers(numbers)
    }

    private static func wrongCount(_ found: String, _ count: Int, _ place: String) -> ServingError {
        InferRequest.fault("\(place).data: expected \(count) elements, as the shape has, found \(found)")
    }

    /// Reads numbers in arrays of any depth.
    private static func numbers(
        _ reader: inout JSONPullReader,
        into numbers: inout [Float],
        _ count: Int,
        _ type: DataType,
        _ place: String
    ) throws {
        try reader.array { reader, _ in
            let kind = try reader.kind()
            if kind == .array { return try Self.numbers(&reader, into: &numbers, count, type, place) }
            if type == .bool {
                guard numbers.count < count else { throw wrongCount("more", count, place) }
                return numbers.append(try Self.truth(&reader, place))
            }
            guard kind == .number else {
                throw InferRequest.fault("\(place).data: expected numbers, found \(kind.name)")
            }
            guard numbers.count < count else { throw wrongCount("more", count, place) }
            let sent = try reader.number()
            let number = Float(sent)
            guard !type.isInteger || Double(number) == sent else {
                throw InferRequest.fault(
                    "\(place).data: \(JSONValue.number(sent).text) is no whole number that 32-bit floats hold"
                )
            }
            guard number.isFinite else {
                throw InferRequest.fault(
                    "\(place).data: number \(numbers.count) is too large for a 32-bit float"
                )
            }
            numbers.append(number)
        }
    }

    /// 1 for true, 0 for false.
    private static func truth(_ reader: inout JSONPullReader, _ place: String) throws -> Float {
        switch try reader.value() {
        case .bool(let value): return value ? 1 : 0
        case .number(let number) where number == 0 || number == 1: return Float(number)
        case let other: throw InferRequest.fault("\(place).data: expected true or false, found \(other.kind)")
        }
    }

    /// Reads strings in arrays of any depth, each as the bytes of its text.
    private static func strings(
        _ reader: inout JSONPullReader,
        into strings: inout [ArraySlice<UInt8>],
        _ count: Int,
        _ place: String
    ) throws {
        try reader.array { reader, _ in
            let kind = try reader.kind()
            if kind == .array { return try Self.strings(&reader, into: &strings, count, place) }
            guard kind == .string else {
                throw InferRequest.fault("\(place).data: expected strings, found \(kind.name)")
            }
            guard strings.count < count else { throw wrongCount("more", count, place) }
            strings.append(try reader.plainString() ?? Array(reader.string().utf8)[...])
        }
    }
}
