internal import Engine
internal import Platform

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
            let bytes = try data.bytes(type.bytes(count))
            return try decoded(bytes, 0..<bytes.count, type, dimensions)
        }
        if let raw {
            guard raw.count == type.bytes(count) else {
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
        case _ where type.small != nil || type.packedBits != nil:
            guard integers.count == type.bytes(count) else {
                throw .malformed("constant '\(name)': \(integers.count) entries for \(dims) of \(type.name)")
            }
            let data = integers.map { UInt8(truncatingIfNeeded: $0) }
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
        if type.small != nil || type.packedBits != nil { return unpacked(data, range, type, dimensions) }
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

    /// Numbers of eight bits and fewer, of which the first is in the lowest bits.
    private func unpacked(
        _ data: [UInt8],
        _ range: Range<Int>,
        _ type: DataType,
        _ dimensions: [Int]
    ) -> Constant {
        let bits = type.packedBits ?? 8
        let perByte = 8 / bits
        let codes = (0..<dimensions.reduce(1, *)).map { index in
            data[range.lowerBound + index / perByte] >> UInt8(index % perByte * bits) & UInt8((1 << bits) - 1)
        }
        guard type.isInteger else { return Constant(dimensions, type, floats: codes.map { type.small($0) }) }
        let most = type.range.upperBound
        let integers = codes.map { Int64($0) > most ? Int64($0) - 1 << Int64(bits) : Int64($0) }
        return Constant(dimensions, type, integers: integers)
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
