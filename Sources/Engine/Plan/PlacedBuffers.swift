internal import Graphs

/// The places of all buffers: in the memory of the batch, or, where all of a buffer's life lies before the split, in
/// the memory of each thread.
struct PlacedBuffers {
    let bytesPerItem: Int
    let bytesPerThread: Int
    private let buffers: [MemoryPlanner.Buffer]
    private let offsets: [Int]
    private let areOfThread: [Bool]

    /// Finds the places.
    ///
    /// The first buffer, the graph's input, is always in the memory of the batch. Before the split one item may be far
    /// ahead of another, so what the batch's memory holds there is in use all that time.
    init(_ buffers: [MemoryPlanner.Buffer], split: Int) {
        let areOfThread = buffers.enumerated().map { $0 > 0 && $1.lifetime.upperBound < split }
        let buffers = zip(buffers, areOfThread).map { buffer, isOfThread in
            guard !isOfThread, buffer.lifetime.lowerBound < split else { return buffer }
            let end = max(buffer.lifetime.upperBound, split - 1)
            return MemoryPlanner.Buffer(byteCount: buffer.byteCount, lifetime: 0...end)
        }
        var offsets = [Int](repeating: 0, count: buffers.count)
        func place(_ ofThread: Bool) -> Int {
            let chosen = buffers.indices.filter { areOfThread[$0] == ofThread }
            let layout = MemoryPlanner.place(chosen.map { buffers[$0] })
            for (index, offset) in zip(chosen, layout.offsets) { offsets[index] = offset }
            return layout.total
        }
        bytesPerItem = place(false)
        bytesPerThread = place(true)
        self.buffers = buffers
        self.offsets = offsets
        self.areOfThread = areOfThread
    }

    func place(_ place: BufferAssignment.Place) -> Step.Place {
        Step.Place(
            offset: offsets[place.buffer],
            inner: place.offset,
            stride: buffers[place.buffer].byteCount,
            isOfThread: areOfThread[place.buffer]
        )
    }
}
