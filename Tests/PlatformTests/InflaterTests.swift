import Platform
import Testing

@Suite struct InflaterTests {
    private static let text = Array(String(repeating: "a martlet never lands; ", count: 5000).utf8)

    /// Unpacks in pieces of the given sizes.
    private func inflate(
        _ bytes: [UInt8],
        _ format: Inflater.Format,
        input: Int = .max,
        output: Int = 1 << 16
    ) throws -> [UInt8]? {
        let inflater = try Inflater(format)
        var (all, used) = ([UInt8](), 0)
        var room = [UInt8](repeating: 0, count: output)
        while true {
            let end = min(bytes.count, used.addingReportingOverflow(input).overflow ? .max : used + input)
            var span = room.mutableSpan
            let step = try inflater.inflate(bytes.span.extracting(used..<end), into: &span)
            all += room[..<step.produced]
            used += step.consumed
            if step.isEnd { return used == bytes.count ? all : nil }
            if step.consumed == 0, step.produced == 0 { return nil }
        }
    }

    @Test(arguments: [Inflater.Format.gzip, .zlib, .raw], [1, 7, 100_000])
    func `what is packed is unpacked, however it is cut`(format: Inflater.Format, piece: Int) throws {
        let packed = try #require(Deflater.deflate(Self.text, format))
        #expect(packed.count < Self.text.count / 20)
        #expect(try inflate(packed, format, input: piece) == Self.text)
        #expect(try inflate(packed, format, output: piece) == Self.text)
        #expect(try inflate(Array(packed.dropLast()), format, input: piece) == nil)
    }

    @Test func `bytes of another format are corrupt, and so is a wrong checksum`() throws {
        var packed = try #require(Deflater.deflate(Self.text, .gzip))
        #expect(throws: Inflater.Failure.corrupt) { try inflate(packed, .zlib) }
        #expect(throws: Inflater.Failure.corrupt) { try inflate(Self.text, .gzip) }
        packed[packed.count - 6] ^= 1
        #expect(throws: Inflater.Failure.corrupt) { try inflate(packed, .gzip) }
    }

    @Test func `nothing is packed too`() throws {
        let packed = try #require(Deflater.deflate([], .zlib))
        #expect(try inflate(packed, .zlib) == [])
    }
}
