/// Reads the fields of one protobuf message, in any order, without copying what is in it.
///
/// Strict: a field that ends beyond its message, a group, a number of more than 64 bits and a field 0 are errors.
/// - Source: "Protocol Buffers: Encoding".
struct WireReader {
    /// What a field holds.
    enum Value {
        case varint(UInt64)
        case fixed32(UInt32)
        case fixed64(UInt64)
        /// Where the bytes of a string, of a message or of packed numbers are.
        case bytes(Range<Int>)
    }

    let bytes: [UInt8]
    private var index: Int
    private let end: Int

    init(_ bytes: [UInt8], in range: Range<Int>? = nil) {
        self.bytes = bytes
        let range = range ?? 0..<bytes.count
        precondition(0 <= range.lowerBound && range.upperBound <= bytes.count, "\(range) of \(bytes.count)")
        index = range.lowerBound
        end = range.upperBound
    }

    /// The next field's number and value; nil at the end of the message.
    ///
    /// - Throws: `ONNXError` where the bytes are no message.
    mutating func next() throws(ONNXError) -> (field: Int, value: Value)? {
        guard index < end else { return nil }
        let start = index
        let key = try varint()
        guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw malformed("a field's number", at: start) }
        let field = Int(key >> 3)
        switch key & 7 {
        case 0: return (field, .varint(try varint()))
        case 1: return (field, .fixed64(try fixed(8)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - index) else { throw malformed("the length of a field", at: start) }
            let range = index..<(index + Int(length))
            index = range.upperBound
            return (field, .bytes(range))
        case 5: return (field, .fixed32(UInt32(try fixed(4))))
        default: throw malformed("a field's type", at: start)
        }
    }

    /// The next number of a row of packed ones; nil at the end.
    ///
    /// - Throws: `ONNXError` where it is cut off or too long.
    mutating func nextVarint() throws(ONNXError) -> UInt64? {
        index < end ? try varint() : nil
    }

    private mutating func varint() throws(ONNXError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard index < end else { throw malformed("a number", at: index) }
            let byte = bytes[index]
            index += 1
            guard shift < 63 || byte <= 1 else { throw malformed("a number", at: index) }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw malformed("a number", at: index)
    }

    private mutating func fixed(_ size: Int) throws(ONNXError) -> UInt64 {
        guard end - index >= size else { throw malformed("a number", at: index) }
        var value: UInt64 = 0
        for place in 0..<size { value |= UInt64(bytes[index + place]) << UInt64(8 * place) }
        index += size
        return value
    }

    private func malformed(_ what: String, at offset: Int) -> ONNXError {
        .malformed("\(what) at byte \(offset) is not valid protobuf")
    }
}

extension WireReader.Value {
    /// A whole number.
    func integer(_ what: String) throws(ONNXError) -> Int64 {
        guard case .varint(let bits) = self else { throw .malformed("\(what): expected a number") }
        return Int64(bitPattern: bits)
    }

    func float(_ what: String) throws(ONNXError) -> Float {
        guard case .fixed32(let bits) = self else { throw .malformed("\(what): expected a float") }
        return Float(bitPattern: bits)
    }

    /// Bytes, a text or a message.
    func range(_ what: String) throws(ONNXError) -> Range<Int> {
        guard case .bytes(let range) = self else { throw .malformed("\(what): expected bytes") }
        return range
    }

    /// Appends whole numbers, one or a packed row of them.
    func append(to list: inout [Int64], of bytes: [UInt8], _ what: String) throws(ONNXError) {
        switch self {
        case .varint(let bits): list.append(Int64(bitPattern: bits))
        case .bytes(let range):
            var reader = WireReader(bytes, in: range)
            while let bits = try reader.nextVarint() { list.append(Int64(bitPattern: bits)) }
        case .fixed32, .fixed64: throw .malformed("\(what): expected whole numbers")
        }
    }

    /// Appends floats, one or a packed row of them.
    func append(to list: inout [Float], of bytes: [UInt8], _ what: String) throws(ONNXError) {
        switch self {
        case .fixed32(let bits): list.append(Float(bitPattern: bits))
        case .bytes(let range) where range.count % 4 == 0:
            for start in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
                list.append(Float(bitPattern: UInt32(littleEndian: bytes, at: start)))
            }
        default: throw .malformed("\(what): expected floats")
        }
    }

    /// Appends doubles, one or a packed row of them.
    func append(to list: inout [Double], of bytes: [UInt8], _ what: String) throws(ONNXError) {
        switch self {
        case .fixed64(let bits): list.append(Double(bitPattern: bits))
        case .bytes(let range) where range.count % 8 == 0:
            for start in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
                let low = UInt64(UInt32(littleEndian: bytes, at: start))
                let high = UInt64(UInt32(littleEndian: bytes, at: start + 4))
                list.append(Double(bitPattern: low | high << 32))
            }
        default: throw .malformed("\(what): expected doubles")
        }
    }
}

extension UInt32 {
    /// - Precondition: there are four bytes.
    fileprivate init(littleEndian bytes: [UInt8], at start: Int) {
        self =
            UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2]) << 16
            | UInt32(bytes[start + 3]) << 24
    }
}
