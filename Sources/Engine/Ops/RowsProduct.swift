internal import CKernels

/// The product of many rows with a matrix in blocks of 16 outputs, y = W·a + b, cut into tasks.
///
/// Each number is one sum in one order, so the cut may follow the number of rows without changing a result.
struct RowsProduct {
    private let rowChunks: Chunks
    private let blockChunks: Chunks
    /// Numbers in a row, and blocks that come of it.
    private let count: Int
    private let blocks: Int

    /// Rows that a task multiplies while a part of the weights stays in a core's cache.
    private static let mostRows = 48
    /// The floats of that part.
    private static let mostWeights = 65_536

    init(rows: Int, count: Int, blocks: Int) {
        rowChunks = Chunks(evenly: rows, ofAtMost: Self.mostRows)
        blockChunks = Chunks(blocks, of: Self.mostWeights / (16 * max(1, count)))
        self.count = count
        self.blocks = blocks
    }

    var taskCount: Int { rowChunks.count * blockChunks.count }

    /// The rows that a task is for.
    func rows(of task: Int) -> Range<Int> { rowChunks[task / blockChunks.count] }

    /// Computes some of the rows of a task, for its blocks.
    func run(
        _ task: Int,
        rows: Range<Int>,
        a: UnsafePointer<Float>,
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>
    ) {
        let blocks = blockChunks[task % blockChunks.count]
        var product = unsafe kernel_rows_product(
            a: a + rows.lowerBound * count,
            a_stride: count,
            rows: rows.count,
            count: count,
            weight: weight + blocks.lowerBound * count * 16,
            bias: bias + blocks.lowerBound * 16,
            blocks: blocks.count,
            y: y + (rows.lowerBound * self.blocks + blocks.lowerBound) * 16,
            y_stride: self.blocks * 16,
            y_block_stride: 16
        )
        unsafe kernel_multiply_rows(&product)
    }
}
