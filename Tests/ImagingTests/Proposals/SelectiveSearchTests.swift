import Imaging
import Testing

/// Pseudo-random numbers of a seed: Knuth's MMIX.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

@Suite struct SimilarityTests {
    /// 6 × 4 pixels in three regions: two columns of 0, one of 100, three of 220.
    private static func stripes() throws -> (Segmentation, RegionHistograms) {
        let row: [UInt8] = [0, 0, 100, 220, 220, 220]
        let planes = ColorPlanes(width: 6, height: 4, channels: 1, values: (0..<4).flatMap { _ in row })
        let labels = (0..<24).map { [0, 0, 1, 2, 2, 2][$0 % 6] as UInt32 }
        let segmentation = Segmentation(width: 6, height: 4, labels: labels)
        let features = try ImageFeatures(planes)
        return (segmentation, try features.histograms(of: segmentation, segmentation.extents))
    }

    private static func extent(_ left: Int, _ top: Int, _ right: Int, _ bottom: Int, _ size: Int)
        -> RegionExtent
    {
        RegionExtent(box: PixelBox(left: left, top: top, right: right, bottom: bottom), size: size)
    }

    @Test func `size and fill are what the equations give`() {
        // 6 and 4 pixels of 100; together in a box of 4 × 5.
        let (a, b) = (Self.extent(0, 0, 3, 2, 6), Self.extent(2, 2, 4, 5, 4))
        #expect(Similarity.ofSizes(a, b, image: 100) == 1 - 10.0 / 100)
        #expect(Similarity.ofFill(a, b, image: 100) == 1 - (20.0 - 10) / 100)
        // Two that fill the image leave nothing, and no gap.
        let (left, right) = (Self.extent(0, 0, 5, 10, 50), Self.extent(5, 0, 10, 10, 50))
        #expect(Similarity.ofSizes(left, right, image: 100) == 0)
        #expect(Similarity.ofFill(left, right, image: 100) == 1)
    }

    @Test func `colours overlap as their histograms do`() throws {
        // Bins of 256 / 25 = 10.24 levels. One region of 6 pixels has levels 5, 5, 5, 20, 20, 200 in bins 0, 0, 0, 1, 1, 19;
        // one of 4 has 6, 15, 15, 15 in bins 0, 1, 1, 1: min(3/6, 1/4) + min(2/6, 3/4) = 1/4 + 1/3.
        let values: [UInt8] = [5, 5, 5, 20, 20, 200, 6, 15, 15, 15]
        let planes = ColorPlanes(width: 10, height: 1, channels: 1, values: values)
        let labels: [UInt32] = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
        let segmentation = Segmentation(width: 10, height: 1, labels: labels)
        let extents = segmentation.extents
        #expect(extents.map(\.size) == [6, 4])
        let histograms = try ImageFeatures(planes).histograms(of: segmentation, extents)
        let common = histograms.commonColors((0, 6), (1, 4))
        #expect(abs(common - (1.0 / 4 + 1.0 / 3)) < 1e-6, "\(common)")
        #expect(abs(histograms.commonColors((0, 6), (0, 6)) - 1) < 1e-6)
    }

    @Test func `textures overlap as the histograms of their derivatives do`() throws {
        // A step from 0 to 255 between columns 9 and 10 of 20. The derivative's weights 62, 28 and 3 give slopes of 93, 31 and 3
        // in the columns on either side of it, 0 beyond.
        let row = [UInt8](repeating: 0, count: 10) + [UInt8](repeating: 255, count: 10)
        let planes = ColorPlanes(width: 20, height: 4, channels: 1, values: (0..<4).flatMap { _ in row })
        let labels = (0..<80).map { UInt32($0 % 20 < 10 ? 0 : 1) }
        let segmentation = Segmentation(width: 20, height: 4, labels: labels)
        let histograms = try ImageFeatures(planes).histograms(of: segmentation, segmentation.extents)
        // Both sides of the step have the same slopes.
        #expect(abs(histograms.commonTextures((0, 40), (1, 40)) - 1) < 1e-6)
        // Of eight directions three rise to the right. In these two of the five columns next to the step are in other bins than
        // the five at the border, which are flat; 3 of 93 is in the first bin too.
        let parts = Segmentation(
            width: 20,
            height: 4,
            labels: (0..<80).map { $0 % 20 < 5 ? 0 : $0 % 20 < 10 ? 1 : 2 }
        )
        let of = try ImageFeatures(planes).histograms(of: parts, parts.extents)
        let common = of.commonTextures((0, 20), (1, 20))
        #expect(abs(common - (5 + 3 * 3.0 / 5) / 8) < 1e-6, "\(common)")
    }

    @Test func `the most alike neighbours become one first`() throws {
        let (segmentation, histograms) = try Self.stripes()
        #expect(segmentation.count == 3)
        let extents = segmentation.extents
        #expect(
            extents == [Self.extent(0, 0, 2, 4, 8), Self.extent(2, 0, 3, 4, 4), Self.extent(3, 0, 6, 4, 12)]
        )
        // By size the two small ones, 1 − 12 / 24, before the two right ones, 1 − 16 / 24.
        var bySize = HierarchicalGrouping(
            segmentation,
            extents,
            segmentation.neighbours,
            histograms,
            by: .size
        )
        let boxes = try bySize.boxes()
        #expect(boxes.prefix(3) == extents.map(\.box)[...])
        #expect(boxes[3] == extents[0].box.union(extents[1].box))
        #expect(boxes[4] == PixelBox(left: 0, top: 0, right: 6, bottom: 4) && boxes.count == 5)
        // By fill they are equal, and of equals the lower numbers come first.
        var byFill = HierarchicalGrouping(
            segmentation,
            extents,
            segmentation.neighbours,
            histograms,
            by: .fill
        )
        #expect(try byFill.boxes() == boxes)
    }
}

@Suite struct SelectiveSearchTests {
    private static let modes = [SelectiveSearch.fast, .quality]

    /// A gray ground with noise, and on it rectangles of other colours.
    private static func scene(_ width: Int, _ height: Int, _ objects: [PixelBox], channels: Int = 3) -> Image
    {
        var random = SeededGenerator(state: 11)
        let colors: [[UInt8]] = [[200, 40, 40], [40, 90, 200], [230, 210, 60], [20, 120, 40]]
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let object = objects.lastIndex {
                    $0.left..<$0.right ~= x && $0.top..<$0.bottom ~= y
                }
                let color = object.map { colors[$0 % 4] } ?? [128, 128, 120]
                for channel in 0..<channels {
                    pixels.append(color[channel] &+ UInt8.random(in: 0...12, using: &random))
                }
            }
        }
        return Image(width: width, height: height, channels: channels, pixels: pixels)
    }

    private static func overlap(_ a: PixelBox, _ b: PixelBox) -> Double {
        let width = min(a.right, b.right) - max(a.left, b.left)
        let height = min(a.bottom, b.bottom) - max(a.top, b.top)
        guard width > 0, height > 0 else { return 0 }
        let both = Double(width * height)
        return both / (Double(a.width * a.height + b.width * b.height) - both)
    }

    private static func check(_ boxes: [PixelBox], in image: Image, _ name: String) {
        #expect(!boxes.isEmpty && Set(boxes).count == boxes.count, "\(name)")
        let isWithin = boxes.allSatisfy {
            $0.left >= 0 && $0.top >= 0 && $0.width > 0 && $0.height > 0 && $0.right <= image.width
                && $0.bottom <= image.height
        }
        #expect(isWithin, "\(name)")
    }

    @Test(arguments: modes)
    func `objects are among the boxes, in pixels of the image`(_ mode: SelectiveSearch) throws {
        let objects = [
            PixelBox(left: 40, top: 50, right: 260, bottom: 190),
            PixelBox(left: 300, top: 30, right: 500, bottom: 330),
            PixelBox(left: 90, top: 240, right: 200, bottom: 380),
            PixelBox(left: 560, top: 200, right: 690, bottom: 260),
        ]
        for scale in [1, 2] {
            let placed = objects.map { box in
                PixelBox(
                    left: box.left * scale,
                    top: box.top * scale,
                    right: box.right * scale,
                    bottom: box.bottom * scale
                )
            }
            let image = Self.scene(720 * scale, 400 * scale, placed)
            let boxes = try RegionProposals(.selectiveSearch(mode)).boxes(in: image)
            Self.check(boxes, in: image, "\(scale)")
            for object in placed {
                let best = boxes.map { Self.overlap($0, object) }.max() ?? 0
                #expect(best > 0.9, "\(best) for \(object)")
            }
            #expect(boxes.contains(PixelBox(left: 0, top: 0, right: image.width, bottom: image.height)))
        }
    }

    @Test(arguments: modes)
    func `the same image has the same boxes, and a limit keeps the first`(_ mode: SelectiveSearch) throws {
        let image = try ImageDecoder.decode(try Fixtures.file("large-420.jpg")[...], color: .rgb).image
        let proposals = RegionProposals(.selectiveSearch(mode))
        let boxes = try proposals.boxes(in: image)
        #expect(boxes.count > 100)
        #expect(try proposals.boxes(in: image) == boxes)
        for limit in [1, 10, boxes.count] {
            #expect(try proposals.boxes(in: image, limit: limit) == Array(boxes.prefix(limit)))
        }
    }

    @Test(arguments: modes)
    func `images of any size and colour have boxes`(_ mode: SelectiveSearch) throws {
        let proposals = RegionProposals(.selectiveSearch(mode))
        for (width, height) in [(1, 1), (1, 40), (40, 1), (2, 2), (3, 700), (2000, 2), (1, 3000), (30, 30)] {
            for channels in [1, 3] {
                let noisy = Self.scene(width, height, [], channels: channels)
                let flat = Image(
                    width: width,
                    height: height,
                    channels: channels,
                    pixels: [UInt8](repeating: 77, count: width * height * channels)
                )
                for image in [noisy, flat] {
                    let boxes = try proposals.boxes(in: image)
                    Self.check(boxes, in: image, "\(width)×\(height)×\(channels)")
                }
                #expect(
                    try proposals.boxes(in: flat) == [PixelBox(left: 0, top: 0, right: width, bottom: height)]
                )
            }
        }
    }

    @Test func `sizes at random have boxes`() throws {
        var random = SeededGenerator(state: 2013)
        for round in 0..<40 {
            let width = Int.random(in: 1...(round % 2 == 0 ? 80 : 600), using: &random)
            let height = Int.random(in: 1...90, using: &random)
            let channels = round % 3 == 0 ? 1 : 3
            let pixels = (0..<width * height * channels).map { place in
                UInt8(place / 50 * 37 % 256) &+ .random(in: 0...UInt8(round * 6), using: &random)
            }
            let image = Image(width: width, height: height, channels: channels, pixels: pixels)
            Self.check(
                try RegionProposals().boxes(in: image),
                in: image,
                "round \(round): \(width)×\(height)×\(channels)"
            )
        }
    }

    @Test(arguments: modes)
    func `a search ends at each question that is answered with no`(_ mode: SelectiveSearch) throws {
        let image = Self.scene(300, 200, [PixelBox(left: 20, top: 20, right: 120, bottom: 90)])
        let proposals = RegionProposals(.selectiveSearch(mode))
        var whole = 0
        _ = try proposals.boxes(in: image) {
            whole += 1
            return true
        }
        #expect(whole > 50, "\(whole)")
        for last in Set(1...20).union(stride(from: 21, through: whole, by: 31)).union([whole]) {
            var asked = 0
            #expect(throws: PreprocessingError.stopped) {
                try proposals.boxes(in: image) {
                    asked += 1
                    return asked < last
                }
            }
            #expect(asked == last)
        }
    }

    @Test func `what a search holds does not grow with the image`() {
        let sizes = [(500, 500), (5000, 5000), (10_000, 3000)].map { ImageSize(height: $0.0, width: $0.1) }
        let bytes = sizes.map(RegionProposals().workingBytes)
        #expect(bytes.allSatisfy { $0 <= bytes[0] && $0 < 100 << 20 }, "\(bytes)")
    }
}

@Suite struct SlidingWindowTests {
    @Test func `windows go from the whole image to the smallest, all within it`() throws {
        let image = Image(
            width: 90,
            height: 60,
            channels: 1,
            pixels: [UInt8](repeating: 0, count: 90 * 60)
        )
        let proposals = RegionProposals(.slidingWindow)
        let boxes = try proposals.boxes(in: image)
        #expect(boxes.first == PixelBox(left: 0, top: 0, right: 90, bottom: 60))
        #expect(Set(boxes).count == boxes.count)
        #expect(boxes.allSatisfy { $0.left >= 0 && $0.top >= 0 && $0.right <= 90 && $0.bottom <= 60 })
        let areas = boxes.map { $0.width * $0.height }
        #expect(
            zip(areas, areas.dropFirst()).allSatisfy { $0 * 11 >= $1 * 10 },
            "rounded areas may differ a little"
        )
        #expect(boxes.allSatisfy { min($0.width, $0.height) >= 16 })
        // Half of 5400 is a square of 51: 39 pixels are left across in 4 steps, 9 down in one.
        let squares = boxes.filter { $0.width == 51 && $0.height == 51 }
        #expect(Set(squares.map(\.left)) == [0, 10, 20, 29, 39] && Set(squares.map(\.top)) == [0, 9])
        #expect(try proposals.boxes(in: image, limit: 7) == Array(boxes.prefix(7)))
        #expect(throws: PreprocessingError.stopped) { try proposals.boxes(in: image) { false } }
    }

    @Test func `an image of a pixel is its only window`() throws {
        let image = Image(width: 1, height: 1, channels: 1, pixels: [9])
        #expect(try RegionProposals(.slidingWindow).boxes(in: image).count == 1)
    }
}
