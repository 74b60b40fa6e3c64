package import Graphs
package import Tensors

/// Keeps what goes in as a state of its own, from which the next run can take it by `Recall`; it goes on unchanged.
///
/// A decoder feeds so what it made of one step to the next.
/// - Shape: any → same.
package struct Retain: Op {
    package let count: Int

    /// - Parameter count: the numbers of an item.
    package init(_ count: Int) { self.count = count }

    package var structure: String { "\(count) for the next run" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].elementCount == count else {
            throw ShapeError("retain: expected \(count) numbers, found \(inputs[0])")
        }
        return inputs[0]
    }
}

extension Retain {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var stepRule: StepRule { .pools }

    package var stateCount: Int { count }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let input = unsafe call.input(item: task.index)
        unsafe call.state(item: task.index).update(from: input, count: count)
        unsafe call.output(item: task.index).update(from: input, count: count)
    }
}
