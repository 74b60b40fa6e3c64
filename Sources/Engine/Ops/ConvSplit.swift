/// How a convolution of one item is cut into matrix products: by group, by output channel, by window position.
///
/// The cut follows from the shapes alone, so an item's sums are the same in every batch and on every machine.
struct ConvSplit {
    /// One task.
    struct Part {
        let group: Int
        /// Output channels of the group.
        let rows: Range<Int>
        /// Window positions.
        let columns: Range<Int>
    }

    /// Floats of unfolded image that stay in a core's cache.
    private static let cacheFloats = 1 << 18
    /// Multiplications that make a task worth its start.
    private static let taskWork = 1 << 21
    /// The most tasks that one item is cut into for the sake of the threads.
    private static let mostTasks = 8

    let columns: Chunks
    private let rows: Chunks
    private let groups: Int

    init(_ conv: Conv, output: Shape) {
        let positions = output[1] * output[2]
        let channels = conv.outputChannels / conv.groups
        let depth = max(1, conv.depth)
        let work = positions * channels * depth * conv.groups
        let wanted = max(1, min(Self.mostTasks, work / Self.taskWork) / conv.groups)
        let fitting = max(64, Self.cacheFloats / depth)
        let columnParts = max((positions + fitting - 1) / fitting, min(wanted, positions / 64), 1)
        // Every part unfolds its positions again, so a part has enough channels to make up for that.
        let rowParts = max(1, min(wanted / columnParts, channels / 128))
        columns = Chunks(positions, of: Self.chunk(positions, columnParts))
        rows = Chunks(channels, of: Self.chunk(channels, rowParts))
        groups = conv.groups
    }

    var tasksPerItem: Int { groups * rows.count * columns.count }

    /// The part that a task computes.
    func part(_ task: Int) -> Part {
        Part(
            group: task / (rows.count * columns.count),
            rows: rows[task / columns.count % rows.count],
            columns: columns[task % columns.count]
        )
    }

    /// A chunk size, a multiple of a vector, that gives about so many parts.
    private static func chunk(_ total: Int, _ parts: Int) -> Int {
        ((total + parts - 1) / parts + 15) / 16 * 16
    }
}
