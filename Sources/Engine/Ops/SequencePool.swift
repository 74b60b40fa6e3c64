/// One vector for a whole sequence.
///
/// `last` takes the final state of each direction: the last step of the forward half and the first of the backward.
/// - Shape: steps × features → features.
package struct SequencePool: Op {
    package enum Kind: String, Sendable, CaseIterable {
        case last, mean, max
    }

    package let kind: Kind
    package let isBidirectional: Bool

    package init(_ kind: Kind, isBidirectional: Bool) {
        self.kind = kind
        self.isBidirectional = isBidirectional
    }

    package var structure: String { "\(kind.rawValue) over the steps" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].rank == 2, inputs[0][0] > 0 else {
            throw ShapeError("sequence pool: expected steps×features, found \(inputs[0])")
        }
        return [inputs[0][1]]
    }
}
