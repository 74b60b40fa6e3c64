/// What makes regions alike; measures are added.
///
/// - Source: Uijlings et al. 2013, §3.2, Equations 2 to 6.
package struct Similarity: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What their histograms of colours have in common.
    package static let color = Similarity(rawValue: 1)
    /// What their histograms of textures have in common.
    package static let texture = Similarity(rawValue: 2)
    /// The part of the image that both leave.
    package static let size = Similarity(rawValue: 4)
    /// The part of the image that is not a gap between them in the box around both.
    package static let fill = Similarity(rawValue: 8)

    /// The part of the image that two regions leave.
    ///
    /// - Source: Equation 5.
    package static func ofSizes(_ a: RegionExtent, _ b: RegionExtent, image: Int) -> Float {
        1 - Float(a.size + b.size) / Float(image)
    }

    /// The part of the image that is no gap between two regions in the box around both.
    ///
    /// - Source: Equation 6.
    package static func ofFill(_ a: RegionExtent, _ b: RegionExtent, image: Int) -> Float {
        let both = a.union(b)
        return 1 - Float(both.box.width * both.box.height - both.size) / Float(image)
    }
}

/// The grouping of an image's regions: of all neighbours the two most alike become one, until one is left.
///
/// - Source: Uijlings et al. 2013, §3.1, Algorithm 1.
package struct HierarchicalGrouping {
    /// A region and those it touches.
    private struct Region {
        var extent: RegionExtent
        /// Where its histograms lie.
        var place: Int
        var neighbours: [Int32]
        var isPart = false
    }

    private let similarity: Similarity
    private let imageSize: Int
    private var regions: [Region] = []
    private var histograms: RegionHistograms
    private var pairs = PairHeap()

    /// - Parameters:
    ///   - segmentation: the first regions.
    ///   - extents: those of the segmentation.
    ///   - neighbours: those of the segmentation.
    ///   - histograms: of the same regions.
    ///   - similarity: what makes them alike.
    package init(
        _ segmentation: Segmentation,
        _ extents: [RegionExtent],
        _ neighbours: [(Int, Int)],
        _ histograms: RegionHistograms,
        by similarity: Similarity
    ) {
        self.similarity = similarity
        self.histograms = histograms
        imageSize = segmentation.width * segmentation.height
        regions.reserveCapacity(2 * segmentation.count)
        for (number, extent) in extents.enumerated() {
            regions.append(Region(extent: extent, place: number, neighbours: []))
        }
        for (a, b) in neighbours {
            regions[a].neighbours.append(Int32(b))
            regions[b].neighbours.append(Int32(a))
        }
        for (a, b) in neighbours { pairs.push(PairHeap.Pair(likeness(a, b), a, b)) }
    }

    /// Groups all regions.
    ///
    /// - Parameter shouldContinue: asked for every few regions.
    /// - Returns: the boxes of the first regions, then those of each that two became.
    /// - Throws: `.stopped` when told to.
    package mutating func boxes(
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) -> [PixelBox] {
        var seen = [Int32](repeating: -1, count: 2 * regions.count)
        while let pair = pairs.pop() {
            let (a, b) = (Int(pair.a), Int(pair.b))
            guard !regions[a].isPart, !regions[b].isPart else { continue }
            if regions.count % 64 == 0, !shouldContinue() { throw .stopped }
            join(a, b, &seen)
        }
        return regions.map(\.extent.box)
    }

    private mutating func join(_ a: Int, _ b: Int, _ seen: inout [Int32]) {
        let number = regions.count
        histograms.add(regions[b].place, to: regions[a].place)
        regions[a].isPart = true
        regions[b].isPart = true
        var neighbours: [Int32] = []
        for neighbour in regions[a].neighbours + regions[b].neighbours
        where !regions[Int(neighbour)].isPart && seen[Int(neighbour)] != number {
            seen[Int(neighbour)] = Int32(number)
            neighbours.append(neighbour)
        }
        regions[a].neighbours = []
        regions[b].neighbours = []
        regions.append(
            Region(
                extent: regions[a].extent.union(regions[b].extent),
                place: regions[a].place,
                neighbours: neighbours
            )
        )
        for neighbour in neighbours {
            regions[Int(neighbour)].neighbours.append(Int32(number))
            pairs.push(PairHeap.Pair(likeness(Int(neighbour), number), Int(neighbour), number))
        }
    }

    /// How alike two regions are.
    private func likeness(_ a: Int, _ b: Int) -> Float {
        let (first, second) = (regions[a], regions[b])
        let (x, y) = ((first.place, first.extent.size), (second.place, second.extent.size))
        var sum: Float = 0
        if similarity.contains(.color) { sum += histograms.commonColors(x, y) }
        if similarity.contains(.texture) { sum += histograms.commonTextures(x, y) }
        if similarity.contains(.size) {
            sum += Similarity.ofSizes(first.extent, second.extent, image: imageSize)
        }
        if similarity.contains(.fill) {
            sum += Similarity.ofFill(first.extent, second.extent, image: imageSize)
        }
        return sum
    }
}

/// Pairs of regions, of which the most alike comes first; of equals that of the lower numbers.
private struct PairHeap {
    struct Pair {
        let likeness: Float
        let a: Int32
        let b: Int32

        init(_ likeness: Float, _ a: Int, _ b: Int) {
            (self.likeness, self.a, self.b) = (likeness, Int32(a), Int32(b))
        }

        func precedes(_ other: Pair) -> Bool {
            if likeness != other.likeness { return likeness > other.likeness }
            return (a, b) < (other.a, other.b)
        }
    }

    private var pairs: [Pair] = []

    mutating func push(_ pair: Pair) {
        var place = pairs.count
        pairs.append(pair)
        while place > 0 {
            let above = (place - 1) / 2
            guard pair.precedes(pairs[above]) else { break }
            pairs[place] = pairs[above]
            place = above
        }
        pairs[place] = pair
    }

    mutating func pop() -> Pair? {
        guard let last = pairs.popLast() else { return nil }
        guard let first = pairs.first else { return last }
        var place = 0
        while true {
            var below = 2 * place + 1
            guard below < pairs.count else { break }
            if below + 1 < pairs.count, pairs[below + 1].precedes(pairs[below]) { below += 1 }
            guard pairs[below].precedes(last) else { break }
            pairs[place] = pairs[below]
            place = below
        }
        pairs[place] = last
        return first
    }
}
