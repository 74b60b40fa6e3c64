import Foundation
import Imaging
import Testing

/// The frames of animated GIFs as they are seen (Fixtures/make_animations.py).
@Suite struct AnimationTests {
    /// A file with the size and the checksums of its frames in red, green and blue.
    struct Case: Decodable, CustomStringConvertible, Sendable {
        let file: String
        let width: Int
        let height: Int
        let frames: [UInt32]
        var description: String { file }

        func bytes() throws -> [UInt8] {
            [UInt8](try Data(contentsOf: folder.appending(path: "animations/\(file)")))
        }
    }

    private static let folder = Bundle.module.bundleURL.appending(path: "Fixtures")
    static let cases: [Case] = {
        do {
            let data = try Data(contentsOf: folder.appending(path: "animations.json"))
            return try JSONDecoder().decode([Case].self, from: data)
        } catch {
            fatalError("animations.json: \(error)")
        }
    }()

    @Test(arguments: cases)
    func `frames are what is seen, as files of their own`(_ fixture: Case) throws {
        let bytes = try fixture.bytes()
        let animation = try #require(Animation(bytes[...]))
        #expect(animation.count == fixture.frames.count)
        #expect(animation.size == ImageSize(height: fixture.height, width: fixture.width))
        let frames = try animation.frames()
        #expect(try animation.bytes(ImageLimits()) > frames.reduce(0) { $0 + $1.count })
        let sums = try frames.map { frame in
            let image = try ImageDecoder.decode(frame[...], color: .rgb).image
            #expect(image.width == fixture.width && image.height == fixture.height)
            return crc32(image.pixels)
        }
        #expect(sums == fixture.frames)
    }

    @Test func `the first frame is what is decoded of the file where that is one picture`() throws {
        for fixture in Self.cases {
            let bytes = try fixture.bytes()
            let frame = try #require(Animation(bytes[...])).frames()[0]
            let alone = try ImageDecoder.decode(bytes[...], color: .rgb).image
            #expect(try ImageDecoder.decode(frame[...], color: .rgb).image == alone, "\(fixture)")
        }
    }

    @Test func `one picture is no animation, and neither is another format`() throws {
        for fixture in FormatTests.cases where fixture.file != "animated.gif" {
            #expect(Animation(try fixture.bytes()[...]) == nil, "\(fixture)")
        }
        #expect(Animation([]) == nil && Animation(Array("GIF89a".utf8)[...]) == nil)
    }

    @Test(arguments: cases)
    func `cut anywhere it has the frames before the cut, or says which is damaged`(_ fixture: Case) throws {
        let bytes = try fixture.bytes()
        for count in 13..<bytes.count {
            guard let animation = Animation(bytes[..<count]) else { continue }
            #expect(animation.count <= fixture.frames.count)
            do throws(Animation.Failure) {
                #expect(try animation.frames().count == animation.count)
            } catch {
                #expect(error.frame < animation.count && error.error == .truncated(.gif))
            }
        }
    }

    @Test func `the frame that is damaged is named`() throws {
        var bytes = try #require(Self.cases.first { $0.file == "whole.gif" }).bytes()
        let separator = try #require(bytes.indices.filter { bytes[$0] == 0x2C }.last { bytes[$0 + 5] == 21 })
        bytes[separator + 10] = 13 // the size of its codes
        let animation = try #require(Animation(bytes[...]))
        let failure = #expect(throws: Animation.Failure.self) { try animation.frames() }
        #expect(failure?.frame == 3 && failure?.error.description.contains("more than 12 bits") == true)
    }

    @Test func `limits are those of a frame, and of all frames together`() throws {
        let bytes = try #require(Self.cases.first { $0.file == "whole.gif" }).bytes()
        let animation = try #require(Animation(bytes[...]))
        let pixels = 21 * 13
        _ = try animation.frames(ImageLimits(maxPixels: pixels, maxScanPixels: 4 * pixels))
        let large = #expect(throws: Animation.Failure.self) {
            try animation.frames(ImageLimits(maxPixels: pixels - 1))
        }
        #expect(large?.error.description.hasPrefix("the image is 21×13 pixels; at most 272") == true)
        let many = #expect(throws: Animation.Failure.self) {
            try animation.bytes(ImageLimits(maxScanPixels: 4 * pixels - 1))
        }
        #expect(many?.error.description.contains("273 pixels in 4 frames are too many") == true)
    }

    @Test func `it ends at each question that is answered with no`() throws {
        let bytes = try #require(Self.cases.first { $0.file == "restored.gif" }).bytes()
        let animation = try #require(Animation(bytes[...]))
        var whole = 0
        _ = try animation.frames {
            whole += 1
            return true
        }
        #expect(whole >= 13 + 6 + 6 + 3)
        for last in 1...whole {
            var asked = 0
            let failure = #expect(throws: Animation.Failure.self) {
                try animation.frames {
                    asked += 1
                    return asked < last
                }
            }
            #expect(asked == last && failure?.error == .stopped)
        }
    }
}
