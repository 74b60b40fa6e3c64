internal import CKernels

/// The product of a matrix with many rows, y = x·Wᵀ + b, cut into tasks.
///
/// Each number is one sum in one order, so the cut may follow the number of rows without changing a result.
struct LinearProduct {
    let rows: Int
    let inputs: Int
    let outputs: Int

    var taskCount: Int { rowChunks.count * outputChunks.count }

    /// The rows that a task is for.
    func rows(of task: Int) -> Range<Int> { rowChunks[task / outputChunks.count] }

    /// Computes some of the rows of a task, for its outputs.
    func run(
        _ task: Int,
        rows: Range<Int>,
        x: UnsafePointer<Float>,
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        y: UnsafeMutablePointer<Float>
    ) {
        let outputs = outputChunks[task % outputChunks.count]
        unsafe kernel_linear(
            rows.count,
            inputs,
            outputs.count,
            x + rows.lowerBound * inputs,
            inputs,
            weight + outputs.lowerBound * inputs,
            bias.map { unsafe $0 + outputs.lowerBound },
            y + rows.lowerBound * self.outputs + outputs.lowerBound,
            self.outputs
        )
    }

    private var rowChunks: Chunks { Chunks(rows, of: 64) }

    /// Outputs whose weights stay in a core's cache while the rows pass by.
    private var outputChunks: Chunks { Chunks(outputs, of: max(8, 65_536 / max(1, inputs) / 8 * 8)) }
}
