package import Tensors

/// An operation with its shapes, its weights and the places of its values.
package final class Step: Sendable {
    /// Where a value is, in bytes for a batch of one.
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
    package let outputShapes: [Shape]
    /// The first output's, which most steps ask for.
    let outputShape: Shape
    let outputCount: Int
    package let inputs: [Place]
    package let outputs: [Place]
    package let scratch: Place?
    /// Where in an item's state its own is, in bytes.
    package let stateOffset: Int
    package let weights: [Tensor]

    package init(
        name: String,
        op: any Op,
        weights: [Tensor],
        inputShapes: [Shape],
        outputShapes: [Shape],
        inputs: [Place],
        outputs: [Place],
        scratch: Place?,
        stateOffset: Int
    ) {
        self.name = name
        self.op = op
        self.weights = weights
        self.inputShapes = inputShapes
        inputCounts = inputShapes.map(\.elementCount)
        self.outputShapes = outputShapes
        outputShape = outputShapes[0]
        outputCount = outputShape.elementCount
        self.inputs = inputs
        self.outputs = outputs
        self.scratch = scratch
        self.stateOffset = stateOffset
    }

    /// Whether there is anything to do: a view and a concatenation whose parts are in place have nothing.
    package var runs: Bool { !op.isIdle }
}
