package import Platform
package import Tensors

/// An operation with packed weights, or on blocked images: [⌈c/16⌉][h][w][16] floats, zeros in the channels beyond the
/// last.
///
/// Its inputs and output are blocked, so a shape still says channels × height × width, but an item takes whole blocks.
package protocol PackedOp: Op {
    /// Whether input `index` is planar instead.
    func readsPlanar(_ index: Int) -> Bool

    /// Whether the output is planar instead.
    var writesPlanar: Bool { get }

    /// What tells its weights from those of other operations under its name.
    var packingSuffix: String { get }

    /// Whether the trained arrays stay beside the packed ones, because another plan may need another form of them.
    var keepsTrained: Bool { get }

    /// The arrays that `run` finds as its weights, from the trained ones; made once for a model.
    ///
    /// - Throws: `SystemError` when there is no memory for them.
    func packed(_ weights: [Tensor]) throws(SystemError) -> [Tensor]

    /// The same computed in one of the ways of its choice, which is named.
    func using(algorithm name: String) -> any PackedOp

    /// Whether it gives with packed arrays what it gives in the plainest way, within that algorithm's bound.
    ///
    /// - Throws: `SystemError` when there is no memory to find out.
    func accepts(_ arrays: [Tensor], from weights: [Tensor]) throws(SystemError) -> Bool
}

extension PackedOp {
    package func readsPlanar(_ index: Int) -> Bool { false }

    package var writesPlanar: Bool { false }

    package var packingSuffix: String { "" }

    package var keepsTrained: Bool { false }

    package func packed(_ weights: [Tensor]) throws(SystemError) -> [Tensor] { [] }

    package func using(algorithm name: String) -> any PackedOp { self }

    package func accepts(_ arrays: [Tensor], from weights: [Tensor]) throws(SystemError) -> Bool { true }

    package func form(at site: OpSite) -> (any PackedOp)? { self }
}

/// Where an operation stands in a plan that is being made.
package struct OpSite {
    /// A value that it reads.
    package struct Input {
        /// Of an item; where the operation reads through a view, of what is viewed.
        package let shape: Shape
        package let layout: Layout
        /// The shape of what it is a view of, when it is one.
        package let viewed: Shape?

        package init(shape: Shape, layout: Layout, viewed: Shape?) {
            self.shape = shape
            self.layout = layout
            self.viewed = viewed
        }
    }

    package let inputs: [Input]
    package let output: Shape
    package let weights: [TrainedArray]

    package init(inputs: [Input], output: Shape, weights: [TrainedArray]) {
        self.inputs = inputs
        self.output = output
        self.weights = weights
    }

    /// Whether an input is a blocked image.
    package var isBlocked: Bool { inputs.contains { $0.layout == .blocked } }
}

/// The ways in which an operation can be computed, and what each costs.
package struct AlgorithmChoice {
    /// One of the ways; the first of a choice is the plainest, which needs no check.
    package struct Candidate {
        package let name: String
        /// By a model of the machine.
        package let cost: Double

        package init(name: String, cost: Double) {
            self.name = name
            self.cost = cost
        }
    }

    /// Operations with equal keys take equally long.
    package let key: String
    package let candidates: [Candidate]
    /// The cost of a candidate that a core was measured to take so many seconds for, in the unit of the model.
    package let measuredCost: (_ candidate: Int, _ seconds: Double) -> Double
    /// Lays candidates out on a made-up item; each call of a result runs one, on the thread that calls.
    ///
    /// It throws where there is no memory for that.
    package let trials: (_ candidates: [Int]) throws(SystemError) -> [() -> Void]

    package init(
        key: String,
        candidates: [Candidate],
        measuredCost: @escaping (_ candidate: Int, _ seconds: Double) -> Double,
        trials: @escaping (_ candidates: [Int]) throws(SystemError) -> [() -> Void]
    ) {
        self.key = key
        self.candidates = candidates
        self.measuredCost = measuredCost
        self.trials = trials
    }

    /// The candidate that the model finds cheapest.
    package var best: Int { candidates.indices.min { candidates[$0].cost < candidates[$1].cost } ?? 0 }
}

/// How an image lies in memory.
package enum Layout: Sendable {
    /// Channels × height × width, or any other shape in row-major order.
    case planar
    /// Blocks of 16 channels.
    case blocked

    /// The numbers of one item.
    package func count(_ shape: Shape) -> Int {
        self == .planar ? shape.elementCount : Self.blocks(shape[0]) * 16 * Self.pixels(shape)
    }

    /// The blocks of some channels.
    package static func blocks(_ channels: Int) -> Int { (channels + 15) / 16 }

    /// The pixels of an image; 1 for a vector.
    package static func pixels(_ shape: Shape) -> Int { shape.dimensions.dropFirst().reduce(1, *) }
}
