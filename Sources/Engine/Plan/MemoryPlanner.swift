internal import Graphs
internal import Tensors

/// Lays buffers with known lifetimes out in one block of memory.
///
/// Two buffers that are in use at the same time never overlap. Large buffers are placed first, each at the lowest
/// place that is free during its life, which comes close to the largest sum of live buffers.
/// - Source: Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference", greedy by size.
package enum MemoryPlanner {
    /// A buffer: its size in bytes and the steps during which it is in use.
    package struct Buffer: Sendable {
        package var byteCount: Int
        package var lifetime: ClosedRange<Int>

        package init(byteCount: Int, lifetime: ClosedRange<Int>) {
            self.byteCount = byteCount
            self.lifetime = lifetime
        }
    }

    /// Places of buffers, in bytes from the start; each a multiple of a cache line.
    package struct Layout: Sendable {
        package let offsets: [Int]
        package let total: Int
    }

    /// Finds a place for every buffer.
    package static func place(_ buffers: [Buffer]) -> Layout {
        var offsets = [Int](repeating: 0, count: buffers.count)
        var placed: [Int] = []
        var total = 0
        let order = buffers.indices.sorted { (buffers[$1].byteCount, $0) < (buffers[$0].byteCount, $1) }
        for index in order {
            let neighbours = placed.filter { buffers[$0].lifetime.overlaps(buffers[index].lifetime) }
                .sorted { offsets[$0] < offsets[$1] }
            let size = Arena.aligned(buffers[index].byteCount)
            var offset = 0
            for neighbour in neighbours where offset + size > offsets[neighbour] {
                offset = max(offset, offsets[neighbour] + Arena.aligned(buffers[neighbour].byteCount))
            }
            offsets[index] = offset
            placed.append(index)
            total = max(total, offset + size)
        }
        return Layout(offsets: offsets, total: total)
    }
}
