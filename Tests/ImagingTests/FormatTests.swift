import Foundation
import Imaging
import Testing

/// Files as the world sends them: odd metadata, PNG files with mistakes, WebP, GIF, BMP (Fixtures/make_format_fixtures.py).
@Suite struct FormatTests {
    /// A file with the size and the checksums of the pixels that Pillow makes of it.
    struct Case: Decodable, CustomStringConvertible, Sendable {
        let file: String
        let width: Int
        let height: Int
        let rgb: UInt32
        let gray: UInt32
        var description: String { file }

        func bytes() throws -> [UInt8] {
            [UInt8](try Data(contentsOf: folder.appending(path: "formats/\(file)")))
        }
    }

    private static let folder = Bundle.module.bundleURL.appending(path: "Fixtures")
    static let cases: [Case] = {
        do {
            return try JSONDecoder().decode(
                [Case].self,
                from: try Data(contentsOf: folder.appending(path: "formats.json"))
            )
        } catch {
            fatalError("formats.json: \(error)")
        }
    }()

    @Test(arguments: cases)
    func `is read to the pixels of Pillow`(_ fixture: Case) throws {
        let bytes = try fixture.bytes()
        for color in [ColorMode.rgb, .gray] {
            let image = try ImageDecoder.decode(bytes[...], color: color).image
            #expect(image.width == fixture.width && image.height == fixture.height)
            #expect(crc32(image.pixels) == (color == .gray ? fixture.gray : fixture.rgb), "\(color)")
        }
    }

    @Test(arguments: cases)
    func `cut anywhere ends in an image or an error`(_ fixture: Case) throws {
        let bytes = try fixture.bytes()
        for count in stride(from: 1, to: bytes.count, by: 1 + bytes.count / 300) {
            do {
                let image = try ImageDecoder.decode(Array(bytes.prefix(count))[...], color: .rgb).image
                #expect(image.pixels.count == image.width * image.height * 3)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
