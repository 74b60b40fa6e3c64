import Imaging
import Testing

@Suite struct CropsTests {
    private func crops(_ mode: CropMode, width: Int, height: Int, crop: Int, mirror: Bool = true) throws
        -> [Crop]
    {
        let image = Image(
            width: width,
            height: height,
            channels: 1,
            pixels: [UInt8](repeating: 9, count: width * height)
        )
        let preprocessing = Preprocessing(
            crop: ImageSize(height: crop, width: crop),
            color: .gray,
            mirror: mirror
        )
        return try preprocessing.prepare(image, crops: mode).crops
    }

    private func crop(_ x: Int, _ y: Int, _ isMirrored: Bool = false) -> Crop {
        Crop(x: x, y: y, width: 4, height: 4, isMirrored: isMirrored)
    }

    @Test func `offsets of the centre round half to even`() throws {
        for (side, offset) in [(4, 0), (5, 0), (6, 1), (7, 2), (8, 2), (9, 2), (10, 3), (11, 4)] {
            #expect(try crops(.center, width: side, height: 4, crop: 4) == [crop(offset, 0)], "side \(side)")
        }
    }

    @Test func `ten crops are the five of the image and the five of its mirror image`() throws {
        #expect(
            try crops(.ten, width: 9, height: 6, crop: 4) == [
                crop(0, 0), crop(5, 0), crop(0, 2), crop(5, 2), crop(2, 1),
                crop(5, 0, true), crop(0, 0, true), crop(5, 2, true), crop(0, 2, true), crop(3, 1, true),
            ]
        )
    }

    @Test func `a model whose labels mirroring would change has no mirrored crops`() throws {
        for (mode, count) in [(CropMode.center, 1), (.mirror, 1), (.five, 5), (.ten, 5)] {
            let crops = try crops(mode, width: 9, height: 6, crop: 4, mirror: false)
            #expect(crops.count == count && !crops.contains(where: \.isMirrored))
        }
    }

    @Test func `an image smaller than the crop is centred on zeros`() throws {
        let image = Image(width: 2, height: 1, channels: 1, pixels: [1, 2])
        let preprocessing = Preprocessing(crop: ImageSize(height: 4, width: 5), color: .gray, scale: 1)
        let prepared = try preprocessing.prepare(image, crops: .center)
        #expect(
            prepared.values == [
                0, 0, 0, 0, 0,
                0, 1, 2, 0, 0,
                0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ]
        )
    }
}
