package import Graphs
package import Tensors

/// An operation on arrays of any rank, whose shapes were worked out when it was made.
///
/// What it reads may be values of the graph or trained arrays, in any mixture; a value may have any shape with as many
/// numbers as the operation expects, in row-major order. It runs on planar values and sees whole items.
package protocol GeneralOp: Op {
    var operands: Operands { get }
    /// The shapes of one item's outputs.
    var results: [Shape] { get }
}

extension GeneralOp {
    package var parameters: [Parameter] { operands.parameters }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        try outputShapes(of: inputs)[0]
    }

    package func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape] {
        let expected = operands.valueCounts
        let found = inputs.map(\.elementCount)
        guard found == expected else {
            throw ShapeError("\(structure): expected values of \(expected) numbers, found \(found)")
        }
        return results
    }

    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        .impossible("'\(structure)' was made for one size")
    }

    package var tableRole: TableRole { .layer }
}

/// What a general operation reads, in the order of its formula.
package struct Operands: Sendable {
    /// One of them.
    package enum Source: Sendable, Hashable {
        /// A value of so many numbers.
        case value(count: Int)
        /// An array that is trained, or constant.
        case trained(Shape)
    }

    package let sources: [Source]
    /// For each the place among the inputs or the weights.
    private let places: [Int]
    private let areTrained: [Bool]

    package init(_ sources: [Source]) {
        self.sources = sources
        var (values, trained) = (0, 0)
        var places: [Int] = []
        var areTrained: [Bool] = []
        for source in sources {
            switch source {
            case .value:
                places.append(values)
                values += 1
                areTrained.append(false)
            case .trained:
                places.append(trained)
                trained += 1
                areTrained.append(true)
            }
        }
        self.places = places
        self.areTrained = areTrained
    }

    /// How many there are.
    package var count: Int { sources.count }

    /// The numbers of those that are values, in order.
    var valueCounts: [Int] {
        sources.compactMap { if case .value(let count) = $0 { count } else { nil } }
    }

    /// Those that are trained.
    var parameters: [Parameter] {
        sources.enumerated().compactMap { index, source in
            if case .trained(let shape) = source { Parameter("operand\(index)", shape) } else { nil }
        }
    }

    /// Where an operand of an item is.
    func operand(_ index: Int, item: Int, of call: OpCall) -> UnsafePointer<Float> {
        areTrained[index] ? unsafe call.weight(places[index]) : unsafe call.input(places[index], item: item)
    }
}

/// A value under another shape; nothing runs.
///
/// - Shape: any → any with as many numbers.
package struct Reshape: Op {
    package let shape: Shape

    package init(to shape: Shape) { self.shape = shape }

    package var structure: String { "as \(shape)" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].elementCount == shape.elementCount else {
            throw ShapeError("\(inputs[0]) has not the numbers of \(shape)")
        }
        return shape
    }
}

extension Reshape {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var tableRole: TableRole { .view }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        .impossible("'\(structure)' was made for one size")
    }

    package var placement: Placement { .view }

    package func taskCount(phase: Int, of call: OpCall) -> Int { 0 }

    package func run(_ task: OpTask, of call: OpCall) {
        preconditionFailure("a view is not run")
    }
}
