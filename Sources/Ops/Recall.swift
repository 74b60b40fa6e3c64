package import Graphs
package import Tensors

/// A part of an item's state, as it is before the run.
///
/// A decoder takes so what the caller has put into its state, such as the token that it wrote last, and what a
/// recurrent layer behind it knew before this step.
/// - Shape: any → 1 × count.
package struct Recall: Op {
    package let count: Int
    /// Whether the numbers are a state of its own, which only the caller changes.
    private let isOwn: Bool
    /// Where they begin, behind the states of the operations before.
    private let offset: Int

    /// A state of its own.
    package init(own count: Int) {
        self.count = count
        isOwn = true
        offset = 0
    }

    /// A part of the states of the operations that follow.
    ///
    /// - Precondition: in the graph these have at least `offset` + `count` floats of state together.
    package init(_ count: Int, following offset: Int) {
        self.count = count
        isOwn = false
        self.offset = offset
    }

    package var structure: String { "\(count) of the state" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { [1, count] }
}

extension Recall {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var stepRule: StepRule { .pools }

    package var stateCount: Int { isOwn ? count : 0 }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let state = unsafe call.state(item: task.index) + offset
        unsafe call.output(item: task.index).update(from: state, count: count)
    }
}
