internal import JSON

/// The table of contents of a safetensors file, checked: every tensor's bytes lie in the data, agree with its shape,
/// and together cover the data without gap or overlap.
struct SafetensorsHeader {
    typealias Problem = TensorFileError.Problem

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
    /// What else the file says of itself.
    private(set) var metadata: [String: String] = [:]

    /// Parses the JSON of a header.
    ///
    /// - Parameters:
    ///   - json: the header without its length.
    ///   - dataCount: how many bytes follow it.
    /// - Throws: what is wrong with it.
    init(json: [UInt8], dataCount: Int) throws(Problem) {
        guard json.first == UInt8(ascii: "{") else { throw .syntax(offset: 0, expected: "'{'") }
        do {
            (entries, metadata) = try Self.entries(json, dataCount: dataCount)
        } catch {
            throw Self.problem(error)
        }
        try checkCoverage(of: dataCount)
    }

    private static func entries(
        _ json: [UInt8],
        dataCount: Int
    ) throws -> ([String: Entry], metadata: [String: String]) {
        var reader = JSONPullReader(json)
        var found: [String: Entry] = [:]
        var metadata: [String: String] = [:]
        try reader.object { reader, name in
            try expect(.object, "'{'", in: &reader)
            if name == "__metadata__" {
                try reader.object { reader, key in metadata[key] = try string(from: &reader) }
            } else {
                found[name] = try entry(name, from: &reader, dataCount: dataCount)
            }
        }
        try reader.end()
        return (found, metadata)
    }

    /// What the reading threw: a problem of ours, or of the text, on one line.
    private static func problem(_ error: any Error) -> Problem {
        guard let error = error as? JSONError else { return error as? Problem ?? .layout("\(error)") }
        let line = error.expected.unicodeScalars.map { $0.value < 32 ? " " : Character($0) }
        return .syntax(offset: error.offset, expected: String(line))
    }

    /// Requires that the next value begins like one of a kind.
    private static func expect(
        _ kind: JSONPullReader.Kind,
        _ what: String,
        in reader: inout JSONPullReader
    ) throws {
        guard try reader.kind() == kind else { throw Problem.syntax(offset: reader.offset, expected: what) }
    }

    private static func string(from reader: inout JSONPullReader) throws -> String {
        try expect(.string, "a string", in: &reader)
        return try reader.string()
    }

    /// Reads an array of at most `limit` whole numbers.
    private static func integers(from reader: inout JSONPullReader, limit: Int) throws -> [Int] {
        try expect(.array, "'['", in: &reader)
        var numbers: [Int] = []
        try reader.array { reader, index in
            guard index < limit else {
                throw Problem.syntax(offset: reader.offset, expected: "at most \(limit) numbers")
            }
            numbers.append(try reader.wholeNumber())
        }
        return numbers
    }

    /// Reads one tensor's object: `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`.
    private static func entry(
        _ name: String,
        from reader: inout JSONPullReader,
        dataCount: Int
    ) throws -> Entry {
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
        try reader.object { reader, key in
            switch key {
            case "dtype": dtype = try string(from: &reader)
            case "shape": shape = try integers(from: &reader, limit: maxRank)
            case "data_offsets": offsets = try integers(from: &reader, limit: 2)
            default:
                throw Problem.tensor(
                    name,
                    "has the key \(quoted(key)); known are dtype, shape and data_offsets"
                )
            }
        }
        guard let dtype, let shape, let offsets else {
            throw Problem.tensor(name, "lacks one of dtype, shape and data_offsets")
        }
        guard let type = ElementType(rawValue: dtype) else {
            throw Problem.tensor(name, "has the unknown dtype \(quoted(dtype))")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= dataCount else {
            throw Problem.tensor(
                name,
                "has the data_offsets \(offsets), but the file has \(dataCount) bytes of data"
            )
        }
        let entry = Entry(type: type, shape: Shape(shape), bytes: offsets[0]..<offsets[1])
        guard let size = byteCount(shape, type), size == entry.bytes.count else {
            throw Problem.tensor(name, "is \(dtype) \(entry.shape), which is not \(entry.bytes.count) bytes")
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
