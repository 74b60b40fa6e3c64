/// The table of contents of a safetensors file, checked: every tensor's bytes lie in the data, agree with its shape,
/// and together cover the data without gap or overlap.
struct SafetensorsHeader {
    typealias Problem = SafetensorsError.Problem

    /// One tensor.
    struct Entry {
        let type: ElementType
        let shape: Shape
        /// Its bytes, counted from the start of the data.
        let bytes: Range<Int>
    }

    /// The longest header that is read; the largest published ones have a few megabytes.
    static let maxBytes = 100_000_000
    /// The most dimensions a tensor may have.
    static let maxRank = 16

    private(set) var entries: [String: Entry] = [:]

    /// Parses the JSON of a header.
    ///
    /// - Parameters:
    ///   - json: the header without its length.
    ///   - dataCount: how many bytes follow it.
    /// - Throws: what is wrong with it.
    init(json: [UInt8], dataCount: Int) throws(Problem) {
        guard json.first == UInt8(ascii: "{") else { throw .syntax(offset: 0, expected: "'{'") }
        var scanner = HeaderScanner(json)
        var found: [String: Entry] = [:]
        try scanner.object { (scanner, name) throws(Problem) in
            if name == "__metadata__" {
                try scanner.object { (scanner, _) throws(Problem) in _ = try scanner.string() }
            } else {
                found[name] = try Self.entry(name, from: &scanner, dataCount: dataCount)
            }
        }
        try scanner.end()
        entries = found
        try checkCoverage(of: dataCount)
    }

    /// Reads one tensor's object: `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`.
    private static func entry(
        _ name: String,
        from scanner: inout HeaderScanner,
        dataCount: Int
    ) throws(Problem) -> Entry {
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { (scanner, key) throws(Problem) in
            switch key {
            case "dtype": dtype = try scanner.string()
            case "shape": shape = try scanner.integers(limit: maxRank)
            case "data_offsets": offsets = try scanner.integers(limit: 2)
            default:
                throw .tensor(name, "has the key \(quoted(key)); known are dtype, shape and data_offsets")
            }
        }
        guard let dtype, let shape, let offsets else {
            throw .tensor(name, "lacks one of dtype, shape and data_offsets")
        }
        guard let type = ElementType(rawValue: dtype) else {
            throw .tensor(name, "has the unknown dtype \(quoted(dtype))")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= dataCount else {
            throw .tensor(
                name,
                "has the data_offsets \(offsets), but the file has \(dataCount) bytes of data"
            )
        }
        let entry = Entry(type: type, shape: Shape(shape), bytes: offsets[0]..<offsets[1])
        guard let size = byteCount(shape, type), size == entry.bytes.count else {
            throw .tensor(name, "is \(dtype) \(entry.shape), which is not \(entry.bytes.count) bytes")
        }
        return entry
    }

    /// The bytes of an array, or nil when they are more than can be counted.
    private static func byteCount(_ shape: [Int], _ type: ElementType) -> Int? {
        var count = type.size
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }

    private func checkCoverage(of dataCount: Int) throws(Problem) {
        let ordered = entries.sorted {
            ($0.value.bytes.lowerBound, $0.value.bytes.upperBound, $0.key)
                < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound, $1.key)
        }
        var covered = 0
        for (name, entry) in ordered {
            guard entry.bytes.lowerBound == covered else {
                let fault = entry.bytes.lowerBound < covered ? "overlaps another" : "leaves a gap before it"
                throw .layout(
                    "tensor \(quoted(name)) \(fault): it starts at byte \(entry.bytes.lowerBound), expected \(covered)"
                )
            }
            covered = entry.bytes.upperBound
        }
        guard covered == dataCount else {
            throw .layout("its tensors take \(covered) bytes, but \(dataCount) follow the header")
        }
    }
}
