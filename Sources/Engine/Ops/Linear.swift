internal import CKernels

/// A fully connected layer: y = W·x + b, applied to the last dimension.
///
/// - Shape: inputs → outputs, or steps × inputs → steps × outputs.
/// - Source: `weight` is outputs × inputs and `bias` outputs, as in PyTorch's `Linear`.
package struct Linear: Op {
    package let inputs: Int
    package let outputs: Int
    package let hasBias: Bool

    package init(inputs: Int, outputs: Int, hasBias: Bool = true) {
        self.inputs = inputs
        self.outputs = outputs
        self.hasBias = hasBias
    }

    package var structure: String { "\(inputs) → \(outputs)" }

    package var parameters: [Parameter] {
        let weight = Parameter("weight", [outputs, inputs])
        return hasBias ? [weight, Parameter("bias", [outputs])] : [weight]
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard let last = inputs[0].dimensions.last, last == self.inputs, inputs[0].rank <= 2 else {
            throw ShapeError("linear: expected \(self.inputs) values, found \(inputs[0])")
        }
        return Shape(inputs[0].dimensions.dropLast() + [outputs])
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { output.elementCount * self.inputs }
}

extension Linear {
    package func taskCount(phase: Int, of call: OpCall) -> Int {
        product(of: call).taskCount
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let product = product(of: call)
        let rows = product.rows(of: task.index)
        call.forEachStretch(of: rows, rowsPerItem: call.inputCount() / inputs) { stretch in
            unsafe product.run(
                task.index,
                rows: stretch,
                x: call.input(item: 0),
                weight: call.weight(0),
                bias: hasBias ? call.weight(1) : nil,
                y: call.output(item: 0)
            )
        }
    }

    private func product(of call: OpCall) -> LinearProduct {
        LinearProduct(rows: call.batch * (call.inputCount() / inputs), inputs: inputs, outputs: outputs)
    }
}
