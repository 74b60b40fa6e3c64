internal import Platform

/// The bytes of a part of a file, taken one after the other; little of it is in memory at a time.
struct FileWindow {
    typealias Problem = TensorFileError.Problem

    private static let chunkCount = 1 << 16

    private let file: ReadableFile
    /// Where the next byte is in the file.
    private(set) var offset: Int
    private let end: Int
    private var chunk: [UInt8] = []
    private var chunkStart = 0

    /// - Precondition: the range lies in the file.
    init(_ file: ReadableFile, _ range: Range<Int>) {
        self.file = file
        offset = range.lowerBound
        end = range.upperBound
    }

    /// How many bytes are left.
    var count: Int { end - offset }

    /// The next byte.
    ///
    /// - Throws: `Problem` when there is none.
    mutating func byte() throws(Problem) -> UInt8 {
        let index = offset - chunkStart
        if index < chunk.count, index >= 0 {
            offset += 1
            return chunk[index]
        }
        guard count > 0 else { throw .checkpoint("it ends in the middle of a pickle") }
        chunk = try file.exactBytes(min(count, Self.chunkCount), at: offset)
        chunkStart = offset
        offset += 1
        return chunk[0]
    }

    /// The next `number` bytes.
    ///
    /// - Throws: `Problem` when there are fewer.
    mutating func bytes(_ number: Int) throws(Problem) -> [UInt8] {
        guard 0...count ~= number else {
            throw .checkpoint("a length of \(number) bytes leads behind the end")
        }
        defer { offset += number }
        let index = offset - chunkStart
        if index >= 0, index + number <= chunk.count { return Array(chunk[index..<(index + number)]) }
        return try file.exactBytes(number, at: offset)
    }

    /// The next number of `size` bytes, the lowest first.
    ///
    /// - Throws: `Problem` when there are fewer bytes.
    mutating func number(_ size: Int) throws(Problem) -> UInt64 {
        var number: UInt64 = 0
        for index in 0..<size { number |= UInt64(try byte()) << (8 * index) }
        return number
    }

    /// The same, where it is a count.
    ///
    /// - Throws: `Problem` for one that no file has.
    mutating func count(_ size: Int) throws(Problem) -> Int {
        guard let count = Int(exactly: try number(size)) else {
            throw .checkpoint("a length is larger than any file")
        }
        return count
    }

    /// Passes over bytes.
    ///
    /// - Precondition: they are there.
    mutating func skip(_ number: Int) {
        precondition(number <= count, "\(number) bytes of \(count)")
        offset += number
    }

    /// What stands before the next line feed.
    ///
    /// - Throws: `Problem` for a line of more than 1000 bytes.
    mutating func line() throws(Problem) -> String {
        var line: [UInt8] = []
        while line.count <= 1000 {
            let next = try byte()
            if next == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(next)
        }
        throw .checkpoint("a name has more than 1000 bytes")
    }
}

extension ReadableFile {
    /// Exactly so many bytes.
    ///
    /// - Throws: `Problem` when the file cannot be read or has become shorter.
    func exactBytes(_ count: Int, at offset: Int) throws(TensorFileError.Problem) -> [UInt8] {
        let found: [UInt8]
        do throws(SystemError) { found = try bytes(count, at: offset) } catch { throw .unreadable(error) }
        guard found.count == count else { throw .changed }
        return found
    }
}
