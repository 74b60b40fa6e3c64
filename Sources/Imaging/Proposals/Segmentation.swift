/// An image cut into regions.
package struct Segmentation: Sendable {
    package let width: Int
    package let height: Int
    /// How many regions there are.
    package let count: Int
    /// The region of each pixel, from 0; regions are numbered as their first pixels come.
    package let labels: [UInt32]
    /// Edges among which are all those between regions; a pixel, and its direction in the highest four bits.
    let between: [UInt32]

    init(width: Int, height: Int, count: Int, labels: [UInt32], between: [UInt32]) {
        (self.width, self.height, self.count) = (width, height, count)
        (self.labels, self.between) = (labels, between)
    }

    /// Takes the regions of an image's pixels, numbered as their first pixels come.
    package init(width: Int, height: Int, labels: [UInt32]) {
        precondition(labels.count == width * height, "\(labels.count) labels of \(width)×\(height)")
        let edges = labels.indices.flatMap { pixel -> [UInt32] in
            let (x, y) = (pixel % width, pixel / width)
            let isThere = [
                x + 1 < width, x > 0 && y + 1 < height, y + 1 < height, x + 1 < width && y + 1 < height,
            ]
            return (0..<4).filter { isThere[$0] }.map { UInt32($0) << 28 | UInt32(pixel) }
        }
        let count = Int(labels.max() ?? 0) + 1
        self.init(width: width, height: height, count: count, labels: labels, between: edges)
    }

    /// The pairs of regions that touch, each once, the lower number first, in ascending order.
    package var neighbours: [(Int, Int)] {
        let steps = [1, width - 1, width, width + 1]
        func pair(_ edge: UInt32) -> (low: Int, high: UInt32)? {
            let pixel = Int(edge & 0x0FFF_FFFF)
            let (a, b) = (labels[pixel], labels[pixel + steps[Int(edge >> 28)]])
            return a == b ? nil : (Int(min(a, b)), max(a, b))
        }
        // A region's partners lie together; which of them were seen is told by the last region that saw them.
        var starts = [Int](repeating: 0, count: count + 1)
        for edge in between { if let pair = pair(edge) { starts[pair.low + 1] += 1 } }
        for region in 0..<count { starts[region + 1] += starts[region] }
        var partners = [UInt32](repeating: 0, count: starts[count])
        var next = starts
        for edge in between {
            guard let pair = pair(edge) else { continue }
            partners[next[pair.low]] = pair.high
            next[pair.low] += 1
        }
        var seen = [Int](repeating: -1, count: count)
        var pairs: [(Int, Int)] = []
        for region in 0..<count {
            let first = pairs.count
            for partner in partners[starts[region]..<starts[region + 1]] where seen[Int(partner)] != region {
                seen[Int(partner)] = region
                pairs.append((region, Int(partner)))
            }
            pairs[first...].sort { $0.1 < $1.1 }
        }
        return pairs
    }

    /// Where each region lies.
    package var extents: [RegionExtent] {
        let none = PixelBox(left: .max, top: .max, right: 0, bottom: 0)
        var extents = [RegionExtent](repeating: RegionExtent(box: none, size: 0), count: count)
        for y in 0..<height {
            var x = 0
            while x < width {
                let label = labels[y * width + x]
                let first = x
                repeat { x += 1 } while x < width && labels[y * width + x] == label
                let run = PixelBox(left: first, top: y, right: x, bottom: y + 1)
                extents[Int(label)].box = extents[Int(label)].box.union(run)
                extents[Int(label)].size += x - first
            }
        }
        return extents
    }
}

/// Where a region lies.
package struct RegionExtent: Sendable, Equatable {
    /// The smallest box around it.
    package var box: PixelBox
    /// Its pixels.
    package var size: Int

    package init(box: PixelBox, size: Int) { (self.box, self.size) = (box, size) }

    /// Where both regions lie.
    func union(_ other: RegionExtent) -> RegionExtent {
        RegionExtent(box: box.union(other.box), size: size + other.size)
    }
}
