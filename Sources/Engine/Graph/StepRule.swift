/// What an operation does with the steps of a sequence: the first dimension of an item, of which another item of the
/// batch may have fewer.
package enum StepRule: Sendable {
    /// Nothing in particular: each step, or the whole item, is computed for itself.
    case ignores
    /// It takes the steps of each item, and gives as many.
    case follows
    /// It takes the steps of each item, and gives one vector.
    case pools
}

/// Sequences and their recurrent state.
extension Graph {
    /// The floats of one item's recurrent state; 0 when there is none that could be carried on.
    ///
    /// For each layer the hidden state and, for an LSTM, the cell state behind it; before these what `Recall` has of its
    /// own.
    package var stateCount: Int { isStreamable ? nodes.reduce(0) { $0 + $1.op.stateCount } : 0 }

    /// Whether a sequence can be run in parts, each from the state in which the one before ended: every layer reads it
    /// forwards only.
    package var isStreamable: Bool {
        let recurrents = nodes.compactMap { $0.op as? Recurrent }
        return !recurrents.isEmpty && recurrents.allSatisfy { !$0.isBidirectional }
    }

    /// The shape that a batch with an item of this shape is prepared for: items whose steps have the same power of two
    /// above them share their batches.
    package func batchShape(for shape: Shape) -> Shape {
        guard takesSequences, let steps = shape.dimensions.first, steps > 1 else { return shape }
        let limit = 1 << (Int.bitWidth - (steps - 1).leadingZeroBitCount)
        return Shape([limit] + shape.dimensions.dropFirst())
    }

    /// Whether a value has a row for each step of the sequence.
    func hasSteps(_ value: Value) -> Bool {
        guard takesSequences, case .node(let index) = value else { return takesSequences }
        return nodes[index].op.stepRule != .pools && nodes[index].inputs.contains(where: hasSteps)
    }
}
