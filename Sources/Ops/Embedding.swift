internal import CKernels
package import Graphs
package import Tensors

/// A row of a table for each token.
///
/// A step may have several numbers, each for a table of its own; this table's are in one column. A number that is no
/// token of the table gives a row of NaN: the mistake shows, and harms no other item.
/// - Shape: steps or steps × columns (token numbers as floats, 0 ..< size) → steps × features.
/// - Source: `weight` is size × features, as in PyTorch's `Embedding`.
package struct Embedding: Op {
    package let size: Int
    package let features: Int
    /// Where in a step the token is.
    package let column: Int
    /// How many numbers a step has.
    package let columns: Int

    package init(size: Int, features: Int, column: Int = 0, columns: Int = 1) {
        precondition((0..<columns).contains(column), "column \(column) of \(columns)")
        self.size = size
        self.features = features
        self.column = column
        self.columns = columns
    }

    package var structure: String { "\(size) × \(features)" }

    package var parameters: [Parameter] { [Parameter("weight", [size, features])] }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let input = inputs[0]
        let isRow = input.rank == 1 && columns == 1
        guard isRow || input.rank == 2 && input[1] == columns else {
            let expected = columns == 1 ? "a row of tokens" : "steps×\(columns) tokens"
            throw ShapeError("embedding: expected \(expected), found \(input)")
        }
        return [input[0], features]
    }
}

extension Embedding {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var tokens: TokenColumn? { TokenColumn(size: size, column: column, columns: columns) }

    package var readsAllWeights: Bool { false }

    package var stepRule: StepRule { .follows }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        unsafe kernel_embedding(
            call.input(item: task.index) + column,
            columns,
            call.steps(item: task.index),
            call.weight(0),
            size,
            features,
            call.output(item: task.index)
        )
    }
}
