/// Selective search: segmentations of an image at several scales and in several spaces of colours, each grouped to ever larger
/// regions by several measures of likeness; the boxes around all of these.
///
/// What is made by many strategies is ranked by the place of a region in its hierarchy times a pseudo-random number, always the
/// same: large regions tend to come first, and none of the strategies does.
///
/// - Source: Uijlings et al. 2013; sizes as in the code of R-CNN's authors.
package struct SelectiveSearch: Sendable, Equatable {
    package var colors: [ColorSpace]
    /// The k of the segmentations, which is the least size of a region too.
    package var scales: [Int]
    package var similarities: [Similarity]
    /// Images are made smaller to a longer side of at most so many pixels.
    package var longerSide = 500
    /// Boxes of fewer pixels on a side, in the image made smaller, are left out, unless they are as wide or high as it.
    package var leastSide = 20

    package init(colors: [ColorSpace], scales: [Int], similarities: [Similarity]) {
        (self.colors, self.scales, self.similarities) = (colors, scales, similarities)
    }

    /// The paper's fast mode: 8 strategies.
    package static let fast = SelectiveSearch(
        colors: [.hsv, .lab],
        scales: [50, 100],
        similarities: [[.color, .texture, .size, .fill], [.texture, .size, .fill]]
    )
    /// The paper's quality mode: 80 strategies.
    package static let quality = SelectiveSearch(
        colors: [.hsv, .lab, .rgI, .hue, .intensity],
        scales: [50, 100, 150, 300],
        similarities: [[.color, .texture, .size, .fill], [.texture, .size, .fill], .fill, .size]
    )

    /// The size in which an image is searched.
    private func size(of image: ImageSize) -> ImageSize {
        ImageBox(left: 0, top: 0, right: Double(image.width), bottom: Double(image.height))
            .size(atMost: longerSide)
    }

    /// The most bytes held at once.
    func workingBytes(for image: ImageSize) -> Int {
        let size = size(of: image)
        let area = size.width * size.height
        let regions = area / max(1, scales.min() ?? 1) + 1
        let histograms = 3 * RegionHistograms.Layout(channels: 3).stride * MemoryLayout<Float>.stride
        // A region with its neighbours and pairs, and the boxes that come of it.
        let rest = 1024 + colors.count * scales.count * similarities.count * 2 * 64
        return area * (3 + 3 + ImageFeatures.bytesPerPixel + PixelGraph.bytesPerPixel)
            + regions * (histograms + rest) + (1 << 20)
    }

    /// Boxes, the best first.
    ///
    /// - Throws: `.stopped` when told to.
    func boxes(
        in image: Image,
        limit: Int,
        while shouldContinue: () -> Bool
    ) throws(PreprocessingError) -> [PixelBox] {
        guard let small = image.shrunk(toAtMost: longerSide, while: shouldContinue) else { throw .stopped }
        var ranking = Ranking()
        for color in colors {
            let planes = ColorPlanes(small, in: color)
            let features = try ImageFeatures(planes, while: shouldContinue)
            let graph = try PixelGraph(planes, while: shouldContinue)
            for scale in scales {
                let segmentation = try graph.regions(scale: scale, leastSize: scale, while: shouldContinue)
                let (extents, neighbours) = (segmentation.extents, segmentation.neighbours)
                let histograms = try features.histograms(of: segmentation, extents, while: shouldContinue)
                for similarity in similarities {
                    var grouping = HierarchicalGrouping(
                        segmentation,
                        extents,
                        neighbours,
                        histograms,
                        by: similarity
                    )
                    ranking.add(try grouping.boxes(while: shouldContinue))
                }
            }
        }
        guard shouldContinue() else { throw .stopped }
        let least = (min(leastSide, small.width), min(leastSide, small.height))
        return ranking.best(limit) { $0.width >= least.0 && $0.height >= least.1 }.map { box in
            box.scaled(from: small, to: image)
        }
    }
}

/// The boxes of all strategies.
private struct Ranking {
    private var boxes: [(rank: Double, box: PixelBox)] = []
    private var random = SplitMix64(state: 2013)

    /// Takes a strategy's boxes, whose last is at the top of the hierarchy.
    mutating func add(_ strategy: [PixelBox]) {
        for (place, box) in strategy.reversed().enumerated() {
            boxes.append((Double(place + 1) * random.unit(), box))
        }
    }

    /// The first boxes that fit, each once.
    func best(_ limit: Int, where fits: (PixelBox) -> Bool) -> [PixelBox] {
        let order = boxes.indices.sorted { (boxes[$0].rank, $0) < (boxes[$1].rank, $1) }
        var seen: Set<PixelBox> = []
        var best: [PixelBox] = []
        for place in order where best.count < limit && fits(boxes[place].box) {
            if seen.insert(boxes[place].box).inserted { best.append(boxes[place].box) }
        }
        return best
    }
}

/// Pseudo-random numbers.
///
/// - Source: Steele, Lea and Flood 2014.
private struct SplitMix64 {
    var state: UInt64

    /// The next, from 0 to 1.
    mutating func unit() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
    }
}

extension PixelBox {
    /// The same part of the image in another size; sides are rounded to whole pixels.
    fileprivate func scaled(from small: Image, to image: Image) -> PixelBox {
        guard small.width != image.width || small.height != image.height else { return self }
        func place(_ x: Int, _ from: Int, _ to: Int) -> Int { (2 * x * to + from) / (2 * from) }
        let (left, top) = (place(left, small.width, image.width), place(top, small.height, image.height))
        return PixelBox(
            left: left,
            top: top,
            right: max(left + 1, place(right, small.width, image.width)),
            bottom: max(top + 1, place(bottom, small.height, image.height))
        )
    }
}
