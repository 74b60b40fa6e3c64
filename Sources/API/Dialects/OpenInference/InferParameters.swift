internal import Platform
internal import Support

/// The `parameters` of an inference request: those that the protocol's extensions reserve, and Martlet's own.
///
/// Others are a server's and its clients' own, and ignored; those that begin with `triton_` are refused as Triton does.
/// - Source: Triton's `extension_sequence.md`, `extension_schedule_policy.md`, `extension_binary_data.md`.
struct InferParameters: Sendable {
    /// What is said of a sequence that goes on between requests, as `SequenceParameters` reads it.
    private(set) var sequence = JSONObject()
    /// How long the request may take; nil for the daemon's own time.
    private(set) var timeout: Duration?
    /// Whether outputs come in binary unless they say otherwise.
    var isBinary = false
    /// How many steps a regression looks ahead.
    private(set) var horizon: Int?

    init() {}

    /// Reads the object that comes next in a text.
    ///
    /// - Throws: `ServingError` or `FormatError` for a value that a parameter cannot have, and what the reader throws.
    init(_ reader: inout JSONPullReader, _ text: [UInt8]) throws {
        let kind = try reader.kind()
        guard kind == .object else {
            throw InferRequest.fault("parameters: expected an object, found \(kind.name)")
        }
        var (read, id) = (InferParameters(), String?.none)
        try reader.object { reader, name in
            func field() throws -> JSONReader { JSONReader(try reader.value(), path: "parameters.\(name)") }
            switch name {
            case "sequence_id": id = try Self.sequenceID(&reader, text)
            case "sequence_start", "sequence_end":
                // What is false says nothing, also to a request that belongs to no sequence.
                if try field().bool() { read.sequence.append(name, .bool(true)) }
            case "sequence_step", "state", "return_state": read.sequence.append(name, try reader.value())
            case "timeout":
                let microseconds = try field().integer(in: 0...1 << 53)
                read.timeout = microseconds == 0 ? nil : .microseconds(microseconds)
            case "priority": _ = try field().integer(in: 0...1 << 53)
            case "binary_data_output": read.isBinary = try field().bool()
            case "horizon": read.horizon = try field().integer(in: 1...1 << 20)
            case let name where name.hasPrefix("triton_"):
                throw InferRequest.fault("parameters: '\(name.clipped(to: 200))' is reserved")
            default: try reader.skip()
            }
        }
        if let id, !id.isEmpty { read.sequence.append("sequence_id", .string(id)) }
        self = read
    }

    /// A name, or a whole number of 64 bits, which no `Double` can hold; 0 and the empty name stand for none.
    private static func sequenceID(_ reader: inout JSONPullReader, _ text: [UInt8]) throws -> String {
        switch try reader.kind() {
        case .string: return try reader.string()
        case .number:
            let start = reader.offset
            _ = try reader.number()
            let digits = String(decoding: text[start..<reader.offset], as: UTF8.self)
            guard let number = UInt64(digits) else {
                throw InferRequest.fault(
                    "parameters.sequence_id: expected a whole number of 64 bits, found \(digits.clipped(to: 40))"
                )
            }
            return number == 0 ? "" : digits
        case let kind:
            throw InferRequest.fault(
                "parameters.sequence_id: expected a number or a string, found \(kind.name)"
            )
        }
    }
}
