internal import CKernels

/// A row of a table for each token.
///
/// A number that is no token of the table gives a row of NaN: the mistake shows, and harms no other item.
/// - Shape: steps (token numbers as floats, 0 ..< size) → steps × features.
/// - Source: `weight` is size × features, as in PyTorch's `Embedding`.
package struct Embedding: Op {
    package let size: Int
    package let features: Int

    package init(size: Int, features: Int) {
        self.size = size
        self.features = features
    }

    package var structure: String { "\(size) × \(features)" }

    package var parameters: [Parameter] { [Parameter("weight", [size, features])] }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].rank == 1 else {
            throw ShapeError("embedding: expected a row of tokens, found \(inputs[0])")
        }
        return [inputs[0][0], features]
    }
}

extension Embedding {
    package var stepRule: StepRule { .follows }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        unsafe kernel_embedding(
            call.input(item: task.index),
            call.steps(item: task.index),
            call.weight(0),
            size,
            features,
            call.output(item: task.index)
        )
    }
}
