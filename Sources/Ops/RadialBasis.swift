package import Graphs
package import Tensors

/// Radial basis units: how near a vector is to each row, as −Σ (x − w)².
///
/// The paper's units give the distance itself and the smallest wins; the sign makes them logits, of which the largest
/// wins, and their softmax the paper's posterior (equation 9) with j = 0.
///
/// - Shape: inputs → outputs.
/// - Source: LeCun et al. 1998, §II.B, equation 7; `weight` is outputs × inputs.
package struct RadialBasis: Op {
    package let inputs: Int
    package let outputs: Int

    package init(inputs: Int, outputs: Int) {
        self.inputs = inputs
        self.outputs = outputs
    }

    package var structure: String { "\(inputs) → \(outputs) radial basis units" }

    package var parameters: [Parameter] { [Parameter("weight", [outputs, inputs])] }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0] == [self.inputs] else {
            throw ShapeError("radial basis: expected \(self.inputs) values, found \(inputs[0])")
        }
        return [outputs]
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { output.elementCount * self.inputs }
}

extension RadialBasis {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        .impossible("radial basis units see one position, not a whole image")
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let x = unsafe call.input(item: task.index)
        let y = unsafe call.output(item: task.index)
        for output in 0..<outputs {
            let row = unsafe call.weight(0) + output * inputs
            var distance: Float = 0
            for index in 0..<inputs {
                let difference = unsafe x[index] - row[index]
                distance += difference * difference
            }
            unsafe y[output] = -distance
        }
    }
}
