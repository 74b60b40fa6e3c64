internal import Platform

/// The table of contents of a zip file whose entries lie in it as they are, checked: every entry's bytes lie in the file, and
/// no two overlap.
///
/// Entries that are compressed or encrypted are refused, so that nothing in the file is larger than the file.
/// - Source: PKWARE, APPNOTE.TXT 6.3.10, §4.3 (records), §4.5.3 (zip64).
struct ZipArchive {
    typealias Problem = TensorFileError.Problem

    /// The most entries, and the longest table of them; checkpoints have one for each tensor.
    private static let maxEntries = 1_000_000
    private static let maxTableBytes = 256 << 20

    /// Where the bytes of each entry are in the file.
    private(set) var entries: [String: Range<Int>] = [:]

    /// How a zip file begins.
    static let signature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    /// Reads the table.
    ///
    /// - Throws: `Problem` when the file contradicts itself.
    init(_ file: ReadableFile) throws(Problem) {
        let end = try End(file)
        guard end.count <= Self.maxEntries, end.table.count <= Self.maxTableBytes else {
            throw .refused("it has \(end.count) entries; \(Self.maxEntries) are read")
        }
        var window = FileWindow(file, end.table)
        // Where each entry begins, with its header, and where it ends.
        var places: [Range<Int>] = []
        for _ in 0..<end.count {
            let record = try Record(&window)
            let place = try record.place(in: file, before: end.table.lowerBound)
            places.append(record.headerOffset..<place.upperBound)
            guard entries.updateValue(place, forKey: record.name) == nil else {
                throw .checkpoint("it has two entries \(quoted(record.name))")
            }
        }
        places.sort { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
        for (one, next) in zip(places, places.dropFirst()) where next.lowerBound < one.upperBound {
            throw .checkpoint("two of its entries overlap at byte \(next.lowerBound)")
        }
    }

    /// The record at the end, which says where the table is.
    private struct End {
        private(set) var count: Int
        private(set) var table: Range<Int>

        init(_ file: ReadableFile) throws(Problem) {
            let (size, most) = (22, 22 + 65535)
            let tail = try file.exactBytes(min(file.count, most), at: max(0, file.count - most))
            guard
                let index = tail.indices.reversed().first(where: { index in
                    index + size <= tail.count && tail[index...].starts(with: [0x50, 0x4B, 0x05, 0x06])
                        && index + size + Int(tail.number(2, at: index + 20)) == tail.count
                })
            else { throw .checkpoint("its end is missing: it was cut short, or is still being written") }
            count = Int(tail.number(2, at: index + 10))
            var (bytes, start) = (tail.number(4, at: index + 12), tail.number(4, at: index + 16))
            let place = file.count - tail.count + index
            if count == 0xFFFF || bytes == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
                (count, bytes, start) = try Self.long(file, before: place)
            }
            guard let bytes = Int(exactly: bytes), let start = Int(exactly: start), start <= place,
                bytes <= place - start
            else { throw .checkpoint("its table of contents does not lie in it") }
            table = start..<(start + bytes)
        }

        /// The record of files of more than 4 GiB, and the one that says where it is.
        private static func long(
            _ file: ReadableFile,
            before end: Int
        ) throws(Problem) -> (count: Int, bytes: UInt64, start: UInt64) {
            let problem = Problem.checkpoint("its table of contents is nowhere to be found")
            guard end >= 20 else { throw problem }
            let locator = try file.exactBytes(20, at: end - 20)
            guard locator.starts(with: [0x50, 0x4B, 0x06, 0x07]),
                let place = Int(exactly: locator.number(8, at: 8)), place <= end - 76
            else { throw problem }
            let record = try file.exactBytes(56, at: place)
            guard record.starts(with: [0x50, 0x4B, 0x06, 0x06]),
                let count = Int(exactly: record.number(8, at: 32))
            else { throw problem }
            return (count, record.number(8, at: 40), record.number(8, at: 48))
        }
    }

    /// An entry of the table.
    private struct Record {
        let name: String
        private(set) var count: Int
        private(set) var headerOffset: Int

        init(_ window: inout FileWindow) throws(Problem) {
            let head = try window.bytes(46)
            guard head.starts(with: [0x50, 0x4B, 0x01, 0x02]) else {
                throw .checkpoint("its table of contents is damaged")
            }
            name = String(decoding: try window.bytes(Int(head.number(2, at: 28))), as: UTF8.self)
            let extra = try window.bytes(Int(head.number(2, at: 30)))
            _ = try window.bytes(Int(head.number(2, at: 32)))
            guard head.number(2, at: 8) & 1 == 0 else {
                throw .refused("its entry \(quoted(name)) is encrypted")
            }
            var (packed, whole) = (head.number(4, at: 20), head.number(4, at: 24))
            var offset = head.number(4, at: 42)
            guard head.number(2, at: 10) == 0 else {
                throw .refused("its entry \(quoted(name)) is compressed, which no file of PyTorch is")
            }
            // What does not fit 32 bits is in a field of its own, in this order.
            var long = Self.field(1, in: extra)[...]
            whole = try Self.widened(whole, &long)
            packed = try Self.widened(packed, &long)
            offset = try Self.widened(offset, &long)
            guard packed == whole, let count = Int(exactly: whole), let place = Int(exactly: offset) else {
                throw .checkpoint("its entry \(quoted(name)) has two sizes")
            }
            (self.count, headerOffset) = (count, place)
        }

        private static func widened(_ value: UInt64, _ long: inout ArraySlice<UInt8>) throws(Problem)
            -> UInt64
        {
            guard value == 0xFFFF_FFFF else { return value }
            guard long.count >= 8 else { throw .checkpoint("the size of an entry is missing") }
            defer { long = long.dropFirst(8) }
            return Array(long.prefix(8)).number(8, at: 0)
        }

        private static func field(_ wanted: UInt64, in extra: [UInt8]) -> [UInt8] {
            var index = 0
            while index + 4 <= extra.count {
                let (kind, count) = (extra.number(2, at: index), Int(extra.number(2, at: index + 2)))
                guard index + 4 + count <= extra.count else { return [] }
                if kind == wanted { return Array(extra[(index + 4)..<(index + 4 + count)]) }
                index += 4 + count
            }
            return []
        }

        /// Where its bytes are: behind a header of its own, whose length only that says.
        func place(in file: ReadableFile, before end: Int) throws(Problem) -> Range<Int> {
            let problem = Problem.checkpoint("its entry \(quoted(name)) does not lie in it")
            guard headerOffset <= end - 30 else { throw problem }
            let header = try file.exactBytes(30, at: headerOffset)
            guard header.starts(with: ZipArchive.signature) else { throw problem }
            let start = headerOffset + 30 + Int(header.number(2, at: 26)) + Int(header.number(2, at: 28))
            guard start <= end, count <= end - start else { throw problem }
            return start..<(start + count)
        }
    }
}

extension [UInt8] {
    /// The number of so many bytes at an index, the lowest first.
    func number(_ size: Int, at index: Int) -> UInt64 {
        self[index..<(index + size)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
