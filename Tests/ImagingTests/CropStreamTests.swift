import Imaging
import Testing

/// A large image whose rows are resized as they come gives the crops of the image that is decoded whole.
@Suite struct CropStreamTests {
    /// The data of an uncompressed PNG of noise.
    private static func data(width: Int, height: Int, channels: Int) -> [UInt8] {
        var state: UInt32 = 2_463_534_242
        var rows: [UInt8] = []
        rows.reserveCapacity(height * (width * channels + 1))
        for y in 0..<height {
            rows.append(0)
            for x in 0..<width * channels {
                state ^= state << 13
                state ^= state >> 17
                state ^= state << 5
                rows.append(UInt8(truncatingIfNeeded: x / 3 + y / 2) &+ UInt8(state >> 26))
            }
        }
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: rows.count, by: 0xFFFF) {
            let block = rows[start..<min(start + 0xFFFF, rows.count)]
            let (low, high) = (UInt8(block.count & 255), UInt8(block.count >> 8))
            stream += [block.endIndex == rows.count ? 1 : 0, low, high, ~low, ~high] + block
        }
        return chunk("IDAT", stream) // the stream has no checksum, which nobody misses
    }

    /// An uncompressed PNG, with an orientation.
    private static func png(_ size: ImageSize, channels: Int = 3, orientation: Int, _ data: [UInt8])
        -> [UInt8]
    {
        let header =
            bigEndian(UInt32(size.width)) + bigEndian(UInt32(size.height)) + [
                8, channels == 1 ? 0 : 2, 0, 0, 0,
            ]
        let exif: [UInt8] = [
            0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation), 0, 0,
        ]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + chunk("eXIf", exif)
            + data + chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// Settings, a mode, scales: one axis alone, both, more in height than in width, larger, none.
    // swift-format-ignore
    private static let rules: [(Preprocessing.Resize, ImageSize?, CropMode, [Int])] = [
        (.shorterSide(64),                    ImageSize(height: 56, width: 48), .ten,       []),
        (.shorterSide(61),                    ImageSize(height: 32, width: 32), .inception, []),
        (.exact(height: 33, width: 400),      ImageSize(height: 30, width: 390), .mirror,   []),
        (.exact(height: 400, width: 31),      ImageSize(height: 397, width: 29), .center,   []),
        (.exact(height: 90, width: 70),       nil,                              .dense,     []),
        (.none,                               ImageSize(height: 224, width: 200), .mirror,  []),
        (.shorterSide(1),                     nil,                              .center,    [60, 40]),
    ]

    private static let images = [ImageSize(height: 500, width: 720), ImageSize(height: 1400, width: 267)].map
    {
        (size: $0, data: data(width: $0.width, height: $0.height, channels: 3))
    }

    private func values(_ crops: PreparedCrops) throws -> [[Float]] {
        var crops = crops
        return try crops.placements.indices.map { index in
            var values = [Float](repeating: .nan, count: crops.placements[index].count)
            var span = values.mutableSpan
            try crops.write(index, into: &span)
            return values
        }
    }

    @Test(arguments: 1...8, Interpolation.allCases)
    func `its crops are the same to the bit`(_ orientation: Int, _ interpolation: Interpolation) throws {
        for (size, data) in Self.images {
            let file = Self.png(size, orientation: orientation, data)
            let whole = try ImageDecoder.decode(file[...], color: .rgb)
            let cost = try ImageDecoder.cost(file[...], color: .rgb)
            #expect(whole.orientation == orientation && cost.imageBytes > 1 << 20)
            for (resize, crop, mode, scales) in Self.rules {
                let rule = Preprocessing(resize: resize, crop: crop, interpolation: interpolation)
                let plan = try rule.plan(for: cost.size, crops: mode, scales: scales)
                let streamed = try ImageDecoder.crops(plan, of: file[...])
                let isStreamed = plan.bytes(decoding: cost) < cost.bytes + plan.cost.workingBytes
                #expect(isStreamed, "\(size) \(resize) \(mode) \(scales)")
                #expect(streamed.orientation == orientation && streamed.format == .png)
                let same = try values(streamed.crops) == values(PreparedCrops(plan, of: whole.image))
                #expect(same, "\(size) \(resize) \(mode) \(scales)")
            }
        }
    }

    @Test(arguments: [1, 4, 6, 7])
    func `a gray image's are too`(_ orientation: Int) throws {
        let size = ImageSize(height: 900, width: 1300)
        let data = Self.data(width: 1300, height: 900, channels: 1)
        let file = Self.png(size, channels: 1, orientation: orientation, data)
        let whole = try ImageDecoder.decode(file[...], color: .gray)
        let rule = Preprocessing(
            resize: .shorterSide(64),
            pad: 3,
            crop: ImageSize(height: 60, width: 60),
            interpolation: .bicubic,
            color: .gray
        )
        let plan = try rule.plan(for: ImageSize(height: whole.height, width: whole.width), crops: .grid)
        let streamed = try ImageDecoder.crops(plan, of: file[...])
        #expect(try values(streamed.crops) == values(PreparedCrops(plan, of: whole.image)))
    }

    @Test func `a small image, and one of mixed rows, is held whole`() throws {
        let rule = Preprocessing(resize: .shorterSide(8), crop: ImageSize(height: 8, width: 8))
        for name in ["png-rgb8.png", "png-rgb8-interlaced.png", "jpeg-420-33x27.jpg"] {
            let bytes = try Fixtures.file(name)
            let cost = try ImageDecoder.cost(bytes[...], color: .rgb)
            let plan = try rule.plan(for: cost.size, crops: .center)
            #expect(plan.bytes(decoding: cost) == cost.bytes + plan.cost.workingBytes)
        }
    }

    @Test func `it ends where it is told to`() throws {
        let (size, data) = Self.images[0]
        let file = Self.png(size, orientation: 6, data)
        let rule = Preprocessing(resize: .shorterSide(64), crop: ImageSize(height: 56, width: 56))
        let plan = try rule.plan(for: ImageSize(height: 720, width: 500), crops: .center)
        for last in [1, 2, 250, 500] {
            var asked = 0
            #expect(throws: ImageError.stopped) {
                try ImageDecoder.crops(plan, of: file[...]) {
                    asked += 1
                    return asked < last
                }
            }
            #expect(asked == last)
        }
    }

    @Test func `a photograph of 108 megapixels takes a few megabytes`() throws {
        let rule = Preprocessing(resize: .shorterSide(256), crop: ImageSize(height: 224, width: 224))
        for (width, height) in [(12_000, 9000), (9000, 12_000), (65_000, 1800)] {
            var bytes = try Fixtures.file("jpeg-420-33x27.jpg")
            let frame = try #require(
                bytes.indices.dropLast(9).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 }
            )
            let size = [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
            bytes.replaceSubrange(frame + 5..<frame + 9, with: size)
            let cost = try ImageDecoder.cost(bytes[...], color: .rgb)
            let plan = try rule.plan(for: cost.size, crops: .center)
            #expect(cost.imageBytes == 3 * width * height)
            #expect(plan.bytes(decoding: cost) < 8 << 20)
        }
    }
}
