internal import CKernels
package import Graphs
package import Tensors

/// Products of matrices, one for each index of axes along which either may be repeated.
///
/// - Shape: … × m × k and … × k × n → … × m × n.
package struct MatrixProduct: GeneralOp {
    package let operands: Operands
    private let rows: Int
    private let depth: Int
    private let columns: Int
    /// Where the matrices of each product begin, in matrices.
    private let first: [Int32]
    private let second: [Int32]
    private let shape: Shape

    /// - Parameters:
    ///   - operands: two.
    ///   - rows: m.
    ///   - depth: k.
    ///   - columns: n.
    ///   - first: for each product, which matrix of the first operand.
    ///   - second: for each product, which matrix of the second operand.
    ///   - shape: of the result.
    package init(
        _ operands: Operands,
        rows: Int,
        depth: Int,
        columns: Int,
        first: [Int32],
        second: [Int32],
        shape: Shape
    ) {
        self.operands = operands
        self.rows = rows
        self.depth = depth
        self.columns = columns
        self.first = first
        self.second = second
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String { "\(first.count) × (\(rows)×\(depth) · \(depth)×\(columns))" }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { first.count * rows * depth * columns }

    /// The columns of a product in pieces small enough for the product that allocates nothing.
    private var pieces: Chunks { Chunks(columns, of: max(1, (1 << 20) / (depth * max(1, min(rows, 64))))) }

    private var rowChunks: Chunks { Chunks(rows, of: 64) }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * first.count * rowChunks.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let (rest, chunk) = task.index.quotientAndRemainder(dividingBy: rowChunks.count)
        let (item, product) = rest.quotientAndRemainder(dividingBy: first.count)
        let rows = rowChunks[chunk]
        let a = unsafe operands.operand(0, item: item, of: call) + Int(first[product]) * self.rows * depth
        let b = unsafe operands.operand(1, item: item, of: call) + Int(second[product]) * depth * columns
        let c = unsafe call.output(item: item) + product * self.rows * columns
        for piece in 0..<pieces.count {
            let columns = pieces[piece]
            unsafe kernel_gemm(
                rows.count,
                columns.count,
                depth,
                a + rows.lowerBound * depth,
                b + columns.lowerBound,
                self.columns,
                nil,
                c + rows.lowerBound * self.columns + columns.lowerBound,
                self.columns
            )
        }
    }
}
