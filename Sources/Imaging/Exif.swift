/// Finds the orientation in an EXIF block.
///
/// It is read as Pillow reads it: of a tag that is there twice the first counts, of several values the first; whole
/// numbers of every type do, and so do fractions and floating-point numbers that are whole.
///
/// - Source: EXIF 2.32 §4.5 (TIFF structure), TIFF 6.0 §2; Pillow 13, `Image.Exif` and `TiffImagePlugin`.
enum Exif {
    /// What a block says.
    enum Finding: Equatable {
        /// It has no orientation.
        case absent
        /// It is no TIFF structure at all.
        case malformed
        /// A number, which need not be one of the eight; 0 for what is no number.
        case value(Int)
    }

    static let marker: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0] // Exif␀␀

    /// Reads the first directory of a block, which may begin with the marker.
    static func orientation(in block: ArraySlice<UInt8>) -> Finding {
        let block = block.starts(with: marker) ? block.dropFirst(marker.count) : block
        guard !block.isEmpty else { return .absent }
        guard let tiff = ByteReader(tiff: block), let directory = tiff.integer32(at: 4) else {
            return .malformed
        }
        var entries = Entries(tiff)
        for number in 0..<(tiff.integer16(at: directory) ?? 0) {
            switch entries.next(at: directory + 2 + 12 * number) {
            case .value(let tag, let type, let offset):
                guard tag == 0x0112 else { continue }
                return .value(type.wholeNumber(in: tiff, at: offset) ?? 0)
            case .skipped: continue
            case .end: return .absent
            }
        }
        return .absent
    }

    /// The entries of a directory in their order.
    private struct Entries {
        enum Entry {
            case value(tag: Int, FieldType, offset: Int)
            /// It has no value, or not one that can be read.
            case skipped
            /// The block ends here, or in this entry's values.
            case end
        }

        private let tiff: ByteReader
        private var tags: Set<Int> = []
        /// The bytes of all values that lie elsewhere: more than the block has cannot be right.
        private var distantBytes = 0

        init(_ tiff: ByteReader) { self.tiff = tiff }

        mutating func next(at entry: Int) -> Entry {
            guard let tag = tiff.integer16(at: entry), let code = tiff.integer16(at: entry + 2),
                let count = tiff.integer32(at: entry + 4), let distant = tiff.integer32(at: entry + 8)
            else { return .end }
            guard count > 0, !tags.contains(tag), let type = FieldType(rawValue: code) else {
                return .skipped
            }
            let size = count * type.size
            var offset = entry + 8
            if size > 4 {
                distantBytes += size
                guard distantBytes <= tiff.bytes.count else { return .skipped }
                guard distant + size <= tiff.bytes.count else { return .end }
                offset = distant
            }
            tags.insert(tag)
            return .value(tag: tag, type, offset: offset)
        }
    }

    /// The types of TIFF's fields, by their codes.
    private enum FieldType: Int {
        case byte = 1, ascii, short, long, rational, signedByte, undefined, signedShort, signedLong,
            signedRational
        case float, double, directory
        case long8 = 16

        var size: Int {
            switch self {
            case .byte, .ascii, .signedByte, .undefined: 1
            case .short, .signedShort: 2
            case .long, .signedLong, .float, .directory: 4
            case .rational, .signedRational, .double, .long8: 8
            }
        }

        /// The first value; nil where it is no whole number that is small, or is text to Pillow.
        func wholeNumber(in tiff: ByteReader, at offset: Int) -> Int? {
            switch self {
            case .byte, .ascii, .undefined: return nil
            case .signedByte: return tiff.integer8(at: offset)
            case .short, .signedShort: return tiff.integer16(at: offset)
            case .long, .signedLong, .directory: return tiff.integer32(at: offset)
            case .rational: return Self.quotient(tiff.integer32(at: offset), tiff.integer32(at: offset + 4))
            case .signedRational:
                return Self.quotient(
                    tiff.integer32(at: offset).map { Int(Int32(truncatingIfNeeded: $0)) },
                    tiff.integer32(at: offset + 4).map { Int(Int32(truncatingIfNeeded: $0)) }
                )
            case .float:
                return tiff.integer32(at: offset).flatMap { Int(exactly: Float(bitPattern: UInt32($0))) }
            case .double:
                return tiff.integer64(at: offset).flatMap { Int(exactly: Double(bitPattern: $0)) }
            case .long8: return tiff.integer64(at: offset).flatMap(Int.init(exactly:))
            }
        }

        private static func quotient(_ numerator: Int?, _ denominator: Int?) -> Int? {
            guard let numerator, let denominator, denominator != 0, numerator % denominator == 0 else {
                return nil
            }
            return numerator / denominator
        }
    }
}

/// Bytes with an order, read at offsets that may lie anywhere.
struct ByteReader {
    let bytes: ArraySlice<UInt8>
    let isBigEndian: Bool

    init(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    /// A TIFF structure: `II` or `MM` gives the order, and 42 follows, which some cameras write in the other one.
    fileprivate init?(tiff bytes: ArraySlice<UInt8>) {
        let head = bytes.prefix(4)
        guard head.dropFirst(2).elementsEqual([0x2A, 0]) || head.dropFirst(2).elementsEqual([0, 0x2A]) else {
            return nil
        }
        if head.starts(with: [0x49, 0x49]) {
            self.init(bytes, isBigEndian: false)
        } else if head.starts(with: [0x4D, 0x4D]) {
            self.init(bytes, isBigEndian: true)
        } else {
            return nil
        }
    }

    func integer8(at offset: Int) -> Int? { integer(at: offset, count: 1).map(Int.init) }

    func integer16(at offset: Int) -> Int? { integer(at: offset, count: 2).map(Int.init) }

    func integer32(at offset: Int) -> Int? { integer(at: offset, count: 4).map(Int.init) }

    func integer64(at offset: Int) -> UInt64? { integer(at: offset, count: 8) }

    private func integer(at offset: Int, count: Int) -> UInt64? {
        guard offset >= 0, offset <= bytes.count - count else { return nil }
        var number: UInt64 = 0
        for index in 0..<count {
            let byte = bytes[bytes.startIndex + offset + (isBigEndian ? index : count - 1 - index)]
            number = number << 8 | UInt64(byte)
        }
        return number
    }
}
