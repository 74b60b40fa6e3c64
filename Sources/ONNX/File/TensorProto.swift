internal import Engine
internal import Platform

/// The types of numbers that ONNX has, of which those with a case are read.
///
/// A network runs on 32-bit floats: half, brain and double floats are rounded to them, whole numbers and truth values are
/// carried as floats, exactly up to 2²⁴; constants and the arithmetic of shapes are 64-bit integers.
package enum DataType: Int, Sendable {
    case float = 1
    case uint8, int8, uint16, int16, int32, int64
    case bool = 9
    case half, double, uint32, uint64
    case bfloat = 16

    /// Whether its numbers are kept as 64-bit integers; truth values are 0 and 1.
    package var isInteger: Bool {
        switch self {
        case .float, .half, .double, .bfloat: false
        default: true
        }
    }

    var storage: ElementType {
        switch self {
        case .float: .f32
        case .uint8, .bool: .u8
        case .int8: .i8
        case .uint16: .u16
        case .int16: .i16
        case .int32: .i32
        case .int64: .i64
        case .half: .f16
        case .double: .f64
        case .uint32: .u32
        case .uint64: .u64
        case .bfloat: .bf16
        }
    }

    /// As ONNX names it.
    package var name: String {
        switch self {
        case .half: "float16"
        case .bfloat: "bfloat16"
        default: "\(self)"
        }
    }

    /// The smallest and the largest number of a type of integers.
    var range: ClosedRange<Int64> {
        switch self {
        case .uint8: 0...255
        case .int8: -128...127
        case .uint16: 0...65535
        case .int16: -32768...32767
        case .int32: Int64(Int32.min)...Int64(Int32.max)
        case .uint32: 0...Int64(UInt32.max)
        case .bool: 0...1
        default: Int64.min...Int64.max
        }
    }
}

/// A constant as the file has it, not decoded yet.
struct TensorProto {
    var name = ""
    var dims: [Int64] = []
    var type: Int64 = 0
    var floats: [Float] = []
    var doubles: [Double] = []
    /// Also those of 32 bits and fewer, and the bits of half floats.
    var integers: [Int64] = []
    var strings = 0
    /// Where the numbers lie in the file, as they lie in memory.
    var raw: Range<Int>?
    var external: [String: String]?
    private let bytes: [UInt8]

    init(_ bytes: [UInt8], _ range: Range<Int>) throws(ONNXError) {
        self.bytes = bytes
        var location: Int64 = 0
        var entries: [String: String] = [:]
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: try value.append(to: &dims, of: bytes, "dims")
            case 2: type = try value.integer("data_type")
            case 4: try value.append(to: &floats, of: bytes, "float_data")
            case 5: try value.append(to: &integers, of: bytes, "int32_data")
            case 6: strings += 1
            case 7: try value.append(to: &integers, of: bytes, "int64_data")
            case 8: name = try bytes.text(value, "name")
            case 9: raw = try value.range("raw_data")
            case 10: try value.append(to: &doubles, of: bytes, "double_data")
            case 11: try value.append(to: &integers, of: bytes, "uint64_data")
            case 13:
                let (key, entry) = try Self.entry(bytes, try value.range("external_data"))
                entries[key] = entry
            case 14: location = try value.integer("data_location")
            default: continue
            }
        }
        if location == 1 { external = entries }
    }

    private static func entry(
        _ bytes: [UInt8],
        _ range: Range<Int>
    ) throws(ONNXError) -> (key: String, value: String) {
        var reader = WireReader(bytes, in: range)
        var entry = (key: "", value: "")
        while let (field, value) = try reader.next() {
            switch field {
            case 1: entry.key = try bytes.text(value, "key")
            case 2: entry.value = try bytes.text(value, "value")
            default: continue
            }
        }
        return entry
    }

    /// The numbers.
    ///
    /// - Parameters:
    ///   - folder: where external data lies; nil where there must be none.
    ///   - budget: what all constants may take together.
    /// - Returns: the constant.
    /// - Throws: `ONNXError` that names the constant.
    func constant(folder: String?, budget: inout Budget) throws(ONNXError) -> Constant {
        guard let type = DataType(rawValue: Int(clamping: type)) else {
            throw .malformed("constant '\(name)': numbers of ONNX's type \(type) are not supported")
        }
        guard let dimensions = dims.map({ Int(clamping: $0) }).checked(),
            let count = budget.take(dimensions)
        else {
            throw .tooLarge("constant '\(name)': its dimensions \(dims) are negative or too large")
        }
        if let external {
            let data = try ExternalData(external, name: name, folder: folder)
            let bytes = try data.bytes(count * type.storage.size)
            return try decoded(bytes, 0..<bytes.count, type, dimensions)
        }
        if let raw {
            guard raw.count == count * type.storage.size else {
                throw .malformed("constant '\(name)': \(raw.count) bytes for \(dims) of \(type.name)")
            }
            return try decoded(bytes, raw, type, dimensions)
        }
        return try listed(type, dimensions, count)
    }

    /// Numbers that are listed one by one.
    private func listed(_ type: DataType, _ dimensions: [Int], _ count: Int) throws(ONNXError) -> Constant {
        func check(_ found: Int) throws(ONNXError) {
            guard found == count else {
                throw .malformed("constant '\(name)': \(found) numbers for \(dims) of \(type.name)")
            }
        }
        switch type {
        case .float:
            try check(floats.count)
            return Constant(dimensions, .float, floats: floats)
        case .double:
            try check(doubles.count)
            return Constant(dimensions, .double, floats: doubles.map { Float($0) })
        case .half, .bfloat:
            try check(integers.count)
            let data = integers.flatMap { bits in
                [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
            }
            return try decoded(data, 0..<data.count, type, dimensions)
        default:
            try check(integers.count)
            return Constant(dimensions, type, integers: integers)
        }
    }

    private func decoded(
        _ data: [UInt8],
        _ range: Range<Int>,
        _ type: DataType,
        _ dimensions: [Int]
    ) throws(ONNXError) -> Constant {
        if type.isInteger {
            let size = type.storage.size
            let isSigned = type.range.lowerBound < 0
            var integers: [Int64] = []
            integers.reserveCapacity(range.count / size)
            for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
                var bits: UInt64 = 0
                for place in 0..<size { bits |= UInt64(data[start + place]) << UInt64(8 * place) }
                let spare = UInt64(64 - 8 * size)
                let wide = Int64(bitPattern: bits << spare)
                integers.append(isSigned ? wide >> Int64(spare) : Int64(bitPattern: bits))
            }
            return Constant(dimensions, type, integers: integers)
        }
        let tensor = try Tensor(
            shape: Shape(dimensions),
            data.span.extracting(range),
            of: type.storage,
            outOfMemory: { ONNXError.tooLarge("constant '\(name)': \($0)") }
        )
        return Constant(dimensions, type, tensor)
    }
}

/// What all numbers of a file may take together; every array is counted when it is made.
struct Budget {
    /// Numbers.
    private(set) var left: Int

    init(_ numbers: Int) { left = numbers }

    /// Takes an array's numbers; nil when there is no room for them.
    mutating func take(_ dimensions: [Int]) -> Int? {
        guard let count = dimensions.count(upTo: left) else { return nil }
        left -= count
        return count
    }
}

extension [Int] {
    /// The product, unless it is more than a number, or one is negative.
    func count(upTo most: Int) -> Int? {
        guard allSatisfy({ $0 >= 0 }) else { return nil }
        if contains(0) { return 0 }
        var count = 1
        for extent in self {
            let (product, overflows) = count.multipliedReportingOverflow(by: extent)
            guard !overflows, product <= most else { return nil }
            count = product
        }
        return count
    }

    /// These, unless there are negative ones or absurdly many.
    fileprivate func checked() -> [Int]? { count <= 64 && allSatisfy { $0 >= 0 } ? self : nil }
}

/// A range of a file beside the model.
private struct ExternalData {
    private let path: String
    private let offset: Int
    private let length: Int?
    private let name: String

    init(_ entries: [String: String], name: String, folder: String?) throws(ONNXError) {
        self.name = name
        guard let folder, let location = entries["location"] else {
            throw .malformed("constant '\(name)': external data without a place")
        }
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain =
            parts.count == 1 && !location.isEmpty && location != "." && location != ".."
            && !location.utf8.contains(0)
        guard isPlain else {
            throw .malformed(
                "constant '\(name)': '\(location)' is not the plain name of a file beside the model"
            )
        }
        path = "\(folder)/\(location)"
        guard let offset = Int(entries["offset"] ?? "0"), offset >= 0 else {
            throw .malformed("constant '\(name)': an offset of '\(entries["offset"] ?? "")'")
        }
        self.offset = offset
        length = try entries["length"].map { text throws(ONNXError) in
            guard let length = Int(text), length >= 0 else {
                throw ONNXError.malformed("constant '\(name)': a length of '\(text)'")
            }
            return length
        }
    }

    /// Its bytes, which must be as many as the constant needs.
    ///
    /// Ranges of several constants may overlap: they are read only.
    func bytes(_ count: Int) throws(ONNXError) -> [UInt8] {
        guard length == nil || length == count else {
            throw .malformed("constant '\(name)': a length of \(length ?? 0) bytes, expected \(count)")
        }
        let found: [UInt8]
        let size: Int
        do throws(SystemError) {
            let file = try ReadableFile(path: path)
            size = file.kind == .regular ? file.count : 0
            let isInside = offset <= size && count <= size - offset
            found = isInside ? try file.bytes(count, at: offset) : []
        } catch {
            throw .unreadable("constant '\(name)': \(error)")
        }
        guard found.count == count else {
            throw .malformed("constant '\(name)': \(count) bytes from \(offset) on, of \(size) (\(path))")
        }
        return found
    }
}
