package import Engine

/// Locality-sensitive hashing by random hyperplanes: vectors with a small angle between them have like hashes.
///
/// A hash has a bit for each hyperplane, the side on which a vector lies; two vectors at the angle θ differ in a bit with the
/// probability θ/π. There are several tables with hyperplanes of their own, and a query looks into the buckets of each whose
/// hashes differ from its own in the bits that are nearest to turning. The vectors are hashed about their mean, since those of
/// features that are never negative lie all in one corner. The same vectors always give the same tables.
/// - Source: Charikar 2002, §3; Lv et al. 2007, "Multi-Probe LSH", §4, for the order of the probes.
package struct HyperplaneTables: Sendable {
    /// How many tables there are.
    package static let tables = 8
    /// Buckets of each table that a query looks into.
    package static let probes = 24
    private static let seed: UInt64 = 2002
    /// So many bits fewer than the number of vectors has: about as many vectors share a hash.
    private static let bucketBits = 1

    /// Bits of a hash.
    package let bits: Int
    private let count: Int
    private let mean: [Float]
    /// Tables × bits × numbers.
    private let planes: Tensor
    /// For each table, where each bucket begins in `rows`, by hash, and where the last ends.
    private let starts: [[Int32]]
    private let rows: [[Int32]]

    /// - Parameter features: vectors × numbers.
    init(_ features: Tensor) {
        count = features.shape[0]
        let digits = Int.bitWidth - count.leadingZeroBitCount // of the number of vectors
        bits = min(max(digits - Self.bucketBits, 2), 20)
        mean = Self.mean(features)
        planes = Self.planes(Self.tables * bits, features.shape[1])
        var hashes: [[Int32]] = Array(repeating: [], count: Self.tables)
        for vector in features.items {
            let margins = Self.margins(of: vector, mean, planes, bits)
            for table in margins.indices { hashes[table].append(Self.hash(margins[table])) }
        }
        let buckets = 1 << bits
        let tables = hashes.map { Self.table($0, buckets: buckets) }
        starts = tables.map(\.starts)
        rows = tables.map(\.rows)
    }

    /// What they take in memory.
    var bytes: Int {
        planes.byteCount + (starts + rows).reduce(0) { $0 + $1.count * MemoryLayout<Int32>.stride }
    }

    /// The rows that may be like a vector, in their order.
    ///
    /// - Precondition: it has as many numbers as those of the tables.
    package func candidates(for vector: Tensor) -> [Int] {
        // A bit for each row: each is found once, and in order.
        var marks = [UInt64](repeating: 0, count: (count + 63) / 64)
        for (table, margins) in Self.margins(of: vector, mean, planes, bits).enumerated() {
            for hash in Self.probes(of: margins) {
                let bucket = Int(starts[table][Int(hash)])..<Int(starts[table][Int(hash) + 1])
                for row in rows[table][bucket] { marks[Int(row) / 64] |= 1 << UInt64(row % 64) }
            }
        }
        var found: [Int] = []
        for (word, bits) in marks.enumerated() {
            var rest = bits
            while rest != 0 {
                found.append(64 * word + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return found
    }

    /// For each table, how far a vector lies from each hyperplane, and on which side.
    private static func margins(of vector: Tensor, _ mean: [Float], _ planes: Tensor, _ bits: Int)
        -> [[Float]]
    {
        let centered = vector.withSpan { span in
            Tensor(shape: [mean.count], values: mean.indices.map { span[$0] - mean[$0] })
        }
        let products = planes.products(with: centered)
        return stride(from: 0, to: products.count, by: bits).map { Array(products[$0..<$0 + bits]) }
    }

    private static func hash(_ margins: [Float]) -> Int32 {
        margins.reduce(0) { $0 << 1 | ($1 >= 0 ? 1 : 0) }
    }

    /// A hash and those that differ from it where a vector is near to a hyperplane, in one bit or two, the likeliest first.
    private static func probes(of margins: [Float]) -> [Int32] {
        let own = hash(margins)
        let order = margins.indices.sorted { margins[$0].magnitude < margins[$1].magnitude }
        func flip(_ place: Int) -> Int32 { 1 << Int32(margins.count - 1 - order[place]) }
        var flips: [(mask: Int32, cost: Float)] = []
        for first in order.indices {
            let cost = margins[order[first]] * margins[order[first]]
            flips.append((flip(first), cost))
            for second in order.indices.prefix(first) {
                flips.append(
                    (flip(first) | flip(second), cost + margins[order[second]] * margins[order[second]])
                )
            }
        }
        let nearest = flips.sorted { ($0.cost, $0.mask) < ($1.cost, $1.mask) }.prefix(probes - 1)
        return [own] + nearest.map { own ^ $0.mask }
    }

    private static func mean(_ features: Tensor) -> [Float] {
        let (count, dimension) = (features.shape[0], features.shape[1])
        var sums = [Double](repeating: 0, count: dimension)
        features.withSpan { span in
            for place in span.indices { sums[place % dimension] += Double(span[place]) }
        }
        return sums.map { Float($0 / Double(count)) }
    }

    /// Normals of hyperplanes; each number is the sum of 12 uniform ones, which is nearly normal.
    private static func planes(_ count: Int, _ dimension: Int) -> Tensor {
        var random = SplitMix64(seed: seed)
        let values = (0..<count * dimension).map { _ in
            Float((0..<12).reduce(-6) { sum, _ in sum + random.nextFraction() })
        }
        return Tensor(shape: [count, dimension], values: values)
    }

    /// The rows by their hashes.
    private static func table(_ hashes: [Int32], buckets: Int) -> (starts: [Int32], rows: [Int32]) {
        var starts = [Int32](repeating: 0, count: buckets + 1)
        for hash in hashes { starts[Int(hash) + 1] += 1 }
        for bucket in 0..<buckets { starts[bucket + 1] += starts[bucket] }
        var next = starts
        var rows = [Int32](repeating: 0, count: hashes.count)
        for (row, hash) in hashes.enumerated() {
            rows[Int(next[Int(hash)])] = Int32(row)
            next[Int(hash)] += 1
        }
        return (starts, rows)
    }
}
