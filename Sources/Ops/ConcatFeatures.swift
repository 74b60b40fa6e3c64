package import Graphs
package import Tensors

/// Joins sequences of equal length along their features.
///
/// - Shape: steps × fᵢ … → steps × Σfᵢ.
package struct ConcatFeatures: Op {
    package init() {}

    package var structure: String { "concat" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard let steps = inputs.first?.dimensions.first else {
            throw ShapeError("concat: nothing to join")
        }
        var features = 0
        for input in inputs {
            guard input.rank == 2, input[0] == steps else {
                throw ShapeError("concat: expected \(steps)×features, found \(input)")
            }
            features += input[1]
        }
        return [steps, features]
    }
}

extension ConcatFeatures {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var stepRule: StepRule { .follows }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let steps = call.steps(item: task.index)
        let width = call.outputShape[1]
        var column = 0
        for index in 0..<call.inputs {
            let features = call.inputShape(index)[1]
            let source = unsafe call.input(index, item: task.index)
            let target = unsafe call.output(item: task.index) + column
            for step in 0..<steps {
                unsafe (target + step * width).update(from: source + step * features, count: features)
            }
            column += features
        }
    }
}
