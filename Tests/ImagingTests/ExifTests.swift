import Imaging
import Testing

@Suite struct ExifTests {
    /// A JPEG file with this in an APP1 segment after its start.
    private func jpeg(exif: [UInt8]) throws -> [UInt8] {
        let bytes = try Fixtures.file("jpeg-444-33x27.jpg")
        let length = exif.count + 8
        let head: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)]
        return Array(bytes[..<2]) + head + Array("Exif\0\0".utf8) + exif + Array(bytes[2...])
    }

    private func orientation(_ exif: [UInt8]) throws -> Int {
        let decoded = try ImageDecoder.decode(try jpeg(exif: exif)[...], color: .gray)
        #expect(decoded.width * decoded.height == 33 * 27)
        return decoded.orientation
    }

    private let valid: [UInt8] = [
        0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, // big-endian TIFF, directory at 8
        0, 1, // one entry
        0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, // orientation, SHORT, one value: 6
    ]

    @Test func `reads a block that says quarter turn`() throws {
        #expect(try orientation(valid) == 6)
    }

    @Test func `a block cut anywhere says nothing and fails nothing`() throws {
        for count in 0..<valid.count - 2 { #expect(try orientation(Array(valid.prefix(count))) == 1) }
    }

    // swift-format-ignore
    @Test(arguments: [
        (0,  [0x00, 0x4D]),              // not TIFF
        (4,  [0xFF, 0xFF, 0xFF, 0xFF]),  // a directory far outside
        (8,  [0x00, 0x00]),              // no entries
        (10, [0x01, 0x13]),              // another tag
        (12, [0x00, 0x02]),              // text
        (14, [0x00, 0x00, 0x00, 0x00]),  // no value
        (18, [0x00, 0x00]),              // orientation 0
        (18, [0x00, 0x09]),              // orientation 9
        (18, [0xFF, 0xFF]),
    ])
    func `a malformed block says nothing`(_ offset: Int, _ bytes: [UInt8]) throws {
        var block = valid
        block.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        #expect(try orientation(block) == 1)
    }

    @Test func `a directory that declares more entries than there are is read as far as it goes`() throws {
        var block = valid
        block.replaceSubrange(8..<10, with: [0xFF, 0xFF])
        #expect(try orientation(block) == 6)
    }
}
