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
}

/// The grouping of an image's regions: of all neighbours the two most alike become one, until one is left.
///
/// - Source: Uijlings et al. 2013, §3.1, Algorithm 1.
struct HierarchicalGrouping {
    /// A region and those it touches.
    private struct Region {
        var box: PixelBox
        var size: Int
        /// Where its histograms lie.
        var place: Int
        var neighbours: [Int32]
        var isPart = false
    }

    private let similarity: Similarity
    private let imageSize: Float
    private var regions: [Region] = []
    private var histograms: RegionHistograms
    private var pairs = PairHeap()

    init(
        _ segmentation: Segmentation,
        _ extents: [(box: PixelBox, size: Int)],
        _ neighbours: [(Int, Int)],
        _ histograms: RegionHistograms,
        by similarity: Similarity
    ) {
        self.similarity = similarity
        self.histograms = histograms
        imageSize = Float(segmentation.width * segmentation.height)
        regions.reserveCapacity(2 * segmentation.count)
        for (number, extent) in extents.enumerated() {
            regions.append(Region(box: extent.box, size: extent.size, place: number, neighbours: []))
        }
        for (a, b) in neighbours {
            regions[a].neighbours.append(Int32(b))
            regions[b].neighbours.append(Int32(a))
        }
        for (a, b) in neighbours { pairs.push(PairHeap.Pair(likeness(a, b), a, b)) }
    }

    /// Groups all regions.
    ///
    /// - Returns: the boxes of the first regions, then those of each that two became.
    /// - Throws: `.stopped` when told to.
    mutating func boxes(while shouldContinue: () -> Bool) throws(PreprocessingError) -> [PixelBox] {
        var seen = [Int32](repeating: -1, count: 2 * regions.count)
        while let pair = pairs.pop() {
            let (a, b) = (Int(pair.a), Int(pair.b))
            guard !regions[a].isPart, !regions[b].isPart else { continue }
            if regions.count % 64 == 0, !shouldContinue() { throw .stopped }
            join(a, b, &seen)
        }
        return regions.map(\.box)
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
                box: regions[a].box.union(regions[b].box),
                size: regions[a].size + regions[b].size,
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
        var sum: Float = 0
        if !similarity.isDisjoint(with: [.color, .texture]) {
            let common = histograms.overlap(
                (first.place, first.size),
                (second.place, second.size),
                colors: similarity.contains(.color),
                textures: similarity.contains(.texture)
            )
            sum = common.colors + common.textures
        }
        let size = first.size + second.size
        if similarity.contains(.size) { sum += 1 - Float(size) / imageSize }
        if similarity.contains(.fill) {
            let box = first.box.union(second.box)
            sum += 1 - Float(box.width * box.height - size) / imageSize
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
