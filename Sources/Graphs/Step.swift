package import Tensors

/// An operation with its shapes, its weights and the places of its values.
package final class Step: Sendable {
    /// Where a value is, in floats for a batch of one.
    package struct Place: Sendable {
        /// Of the buffer.
        package let offset: Int
        /// From the buffer's item to the value's.
        package let inner: Int
        /// From one item of the buffer to the next.
        package let stride: Int
        /// Whether it is in a thread's memory, which holds one item.
        package let isOfThread: Bool

        /// - Parameters:
        ///   - offset: of the buffer.
        ///   - inner: from the buffer's item to the value's.
        ///   - stride: from one item of the buffer to the next.
        ///   - isOfThread: whether it is in a thread's memory.
        package init(offset: Int, inner: Int, stride: Int, isOfThread: Bool) {
            self.offset = offset
            self.inner = inner
            self.stride = stride
            self.isOfThread = isOfThread
        }
    }

    /// Of the node, for tables and messages.
    package let name: String
    package let op: any Op
    package let inputShapes: [Shape]
    package let inputCounts: [Int]
    package let outputShape: Shape
    package let outputCount: Int
    package let inputs: [Place]
    package let output: Place
    package let scratch: Place?
    /// Where in an item's state its own is.
    package let stateOffset: Int
    package let weights: [Tensor]

    package init(
        name: String,
        op: any Op,
        weights: [Tensor],
        inputShapes: [Shape],
        outputShape: Shape,
        inputs: [Place],
        output: Place,
        scratch: Place?,
        stateOffset: Int
    ) {
        self.name = name
        self.op = op
        self.weights = weights
        self.inputShapes = inputShapes
        inputCounts = inputShapes.map(\.elementCount)
        self.outputShape = outputShape
        outputCount = outputShape.elementCount
        self.inputs = inputs
        self.output = output
        self.scratch = scratch
        self.stateOffset = stateOffset
    }

    /// Whether there is anything to do: a view and a concatenation whose parts are in place have nothing.
    package var runs: Bool { !op.isIdle }
}
