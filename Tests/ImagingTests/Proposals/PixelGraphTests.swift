import Imaging
import Testing

/// Felzenszwalb and Huttenlocher's segmentation, from the definition: every edge a pair of pixels, every component a set.
private struct NaiveSegmentation {
    let labels: [UInt32]
    let neighbours: Set<[Int]>

    init(_ planes: ColorPlanes, scale: Int, leastSize: Int) {
        let (width, height) = (planes.width, planes.height)
        let smooth = Self.smoothed(planes)
        // (weight, y, direction, x), which is the order, and the two pixels
        var edges: [(key: [Int], a: Int, b: Int)] = []
        for y in 0..<height {
            for (direction, step) in [(1, 0), (-1, 1), (0, 1), (1, 1)].enumerated() {
                for x in 0..<width {
                    let (x2, y2) = (x + step.0, y + step.1)
                    guard 0..<width ~= x2, y2 < height else { continue }
                    let (a, b) = (y * width + x, y2 * width + x2)
                    let sum = smooth.reduce(0) { $0 + ($1[a] - $1[b]) * ($1[a] - $1[b]) }
                    // Colours have 4 fractional bits, weights 6.
                    let weight = Int(Float(sum).squareRoot() * 4 + 0.5)
                    edges.append(([weight, y, direction, x], a, b))
                }
            }
        }
        edges.sort { $0.key.lexicographicallyPrecedes($1.key) }
        var component = Array(0..<width * height)
        var members = component.map { [$0] }
        var heaviest = [Int](repeating: 0, count: component.count)
        func join(_ a: Int, _ b: Int) {
            for pixel in members[b] { component[pixel] = a }
            members[a] += members[b]
            members[b] = []
        }
        for edge in edges {
            let (a, b) = (component[edge.a], component[edge.b])
            guard a != b else { continue }
            let weight = edge.key[0]
            func limit(_ c: Int) -> Double {
                Double(heaviest[c]) + Double(scale * PixelGraph.levels) / Double(members[c].count)
            }
            guard Double(weight) <= min(limit(a), limit(b)) else { continue }
            join(a, b)
            heaviest[a] = weight
        }
        for edge in edges {
            let (a, b) = (component[edge.a], component[edge.b])
            if a != b, min(members[a].count, members[b].count) < leastSize { join(a, b) }
        }
        var numbers: [Int: UInt32] = [:]
        let labels = component.map { root in
            if let number = numbers[root] { return number }
            numbers[root] = UInt32(numbers.count)
            return UInt32(numbers.count - 1)
        }
        self.labels = labels
        neighbours = Set(
            edges.compactMap { edge in
                let (a, b) = (Int(labels[edge.a]), Int(labels[edge.b]))
                return a == b ? nil : [min(a, b), max(a, b)]
            }
        )
    }

    /// Each channel with 4 fractional bits, by the five weights of σ = 0.8 in both directions at once.
    private static func smoothed(_ planes: ColorPlanes) -> [[Int]] {
        let (width, height) = (planes.width, planes.height)
        let weights = [6, 58, 128, 58, 6]
        return (0..<planes.channels).map { channel in
            (0..<width * height).map { pixel in
                var sum = 0
                for (j, down) in weights.enumerated() {
                    for (i, across) in weights.enumerated() {
                        let x = min(max(pixel % width + i - 2, 0), width - 1)
                        let y = min(max(pixel / width + j - 2, 0), height - 1)
                        sum += down * across * Int(planes.values[(channel * height + y) * width + x])
                    }
                }
                return (sum + (1 << 11)) >> 12
            }
        }
    }
}

@Suite struct PixelGraphTests {
    /// Blocks of colours with some noise, so that there are regions to find.
    static func planes(_ width: Int, _ height: Int, channels: Int, noise: Int, seed: UInt64) -> ColorPlanes {
        var state = seed
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 40)
        }
        let colors = (0..<16 * channels).map { _ in next() % 256 }
        var values: [UInt8] = []
        for channel in 0..<channels {
            for y in 0..<height {
                for x in 0..<width {
                    let color = colors[((x / 7) % 4 + (y / 5) % 4 * 4) * channels + channel]
                    values.append(UInt8(min(255, max(0, color + next() % (2 * noise + 1) - noise))))
                }
            }
        }
        return ColorPlanes(width: width, height: height, channels: channels, values: values)
    }

    // swift-format-ignore
    @Test(arguments: [
        (1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (16, 16), (17, 23), (33, 20), (64, 9), (40, 40),
    ])
    func `regions are those of the definition`(_ width: Int, _ height: Int) throws {
        for (channels, noise) in [(1, 0), (1, 12), (3, 0), (3, 20), (3, 255)] {
            let planes = Self.planes(width, height, channels: channels, noise: noise, seed: UInt64(width + 99 * noise))
            let graph = try PixelGraph(planes)
            for (scale, leastSize) in [(0, 1), (1, 1), (20, 1), (20, 5), (50, 50), (300, 20)] {
                let regions = try graph.regions(scale: scale, leastSize: leastSize)
                let expected = NaiveSegmentation(planes, scale: scale, leastSize: leastSize)
                let name = "\(width)×\(height)×\(channels), noise \(noise), k \(scale), least \(leastSize)"
                #expect(regions.labels == expected.labels, "\(name)")
                #expect(regions.count == Int(expected.labels.max() ?? 0) + 1, "\(name)")
                let pairs = regions.neighbours.map { [$0.0, $0.1] }
                #expect(pairs.count == Set(pairs).count && Set(pairs) == expected.neighbours, "\(name)")
                for (region, extent) in regions.extents.enumerated() {
                    let pixels = regions.labels.indices.filter { regions.labels[$0] == UInt32(region) }
                    let (xs, ys) = (pixels.map { $0 % width }, pixels.map { $0 / width })
                    let box = PixelBox(
                        left: xs.min() ?? 0,
                        top: ys.min() ?? 0,
                        right: (xs.max() ?? 0) + 1,
                        bottom: (ys.max() ?? 0) + 1
                    )
                    #expect(extent == RegionExtent(box: box, size: pixels.count), "region \(region) of \(name)")
                }
            }
        }
    }

    @Test func `small regions join others until none is left`() throws {
        let planes = Self.planes(90, 70, channels: 3, noise: 40, seed: 5)
        let regions = try PixelGraph(planes).regions(scale: 5, leastSize: 40)
        #expect(regions.count > 10)
        #expect(regions.extents.allSatisfy { $0.size >= 40 })
    }
}

@Suite struct ColorPlanesTests {
    // Hue as a part of a circle of 256; L* · 2.55, a* + 128, b* + 128; r, g and luma.
    // swift-format-ignore
    @Test(arguments: [
        ([255, 0, 0],     [0, 255, 255],   [136, 208, 195], [255, 0, 76]),
        ([0, 255, 0],     [85, 255, 255],  [224, 42, 211],  [0, 255, 150]),
        ([0, 0, 255],     [171, 255, 255], [82, 207, 20],   [0, 0, 29]),
        ([255, 255, 255], [0, 0, 255],     [255, 128, 128], [85, 85, 255]),
        ([0, 0, 0],       [0, 0, 0],       [0, 128, 128],   [85, 85, 0]),
        ([128, 128, 128], [0, 0, 128],     [137, 128, 128], [85, 85, 128]),
        ([255, 0, 255],   [213, 255, 255], [154, 226, 67],  [128, 0, 105]),
        ([200, 100, 50],  [14, 191, 200],  [136, 164, 174], [146, 73, 124]),
    ] as [([UInt8], [UInt8], [UInt8], [UInt8])])
    func `colours are those of their definitions`(_ rgb: [UInt8], _ hsv: [UInt8], _ lab: [UInt8], _ rgI: [UInt8]) {
        let image = Image(width: 1, height: 1, channels: 3, pixels: rgb)
        #expect(ColorPlanes(image, in: .hsv).values == hsv)
        let found = ColorPlanes(image, in: .lab).values
        #expect(zip(found, lab).allSatisfy { abs(Int($0) - Int($1)) <= 1 }, "\(found) for \(lab)")
        #expect(ColorPlanes(image, in: .rgI).values == rgI)
        #expect(ColorPlanes(image, in: .hue).values == [hsv[0]])
        #expect(ColorPlanes(image, in: .intensity).values == [rgI[2]])
    }
}
