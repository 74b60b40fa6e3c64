/// How one graph runs with its weights on items of one shape: the steps in order and a place for every value.
///
/// A plan never changes. Its offsets are for a batch of one; for a larger batch every offset and size is multiplied.
package final class Plan: Sendable {
    /// A value that goes in or comes out.
    struct Port: Sendable {
        let name: String
        let offset: Int
        let count: Int
    }

    let steps: [Step]
    let input: Port
    let outputs: [Port]
    /// The floats that all buffers take together, for one item.
    package let floatsPerItem: Int
    /// The floats of scratch that each thread needs.
    package let floatsPerThread: Int

    /// Lays out a graph.
    ///
    /// - Precondition: `weights` were made for this graph, or for one that differs in its input shape only.
    package init(_ graph: Graph, weights: Weights) {
        let assignment = BufferAssignment(graph)
        let layout = MemoryPlanner.place(assignment.buffers)
        func offset(of value: Graph.Value) -> Int { layout.offsets[assignment.buffer(of: value)] }

        var steps: [Step] = []
        var tensors = weights.tensors[...]
        var floatsPerThread = 0
        for (index, node) in graph.nodes.enumerated() {
            let inputShapes = node.inputs.map(graph.shape(of:))
            let parameters = node.op.parameters
            precondition(
                parameters.map(\.shape) == tensors.prefix(parameters.count).map(\.shape),
                "\(node.name): the weights are those of another graph"
            )
            let perThread = node.op.scratch(inputs: inputShapes, output: node.shape).perThread
            floatsPerThread = max(floatsPerThread, Arena.aligned(perThread))
            if node.op.placement != .view {
                steps.append(
                    Step(
                        op: node.op,
                        inputShapes: inputShapes,
                        outputShape: node.shape,
                        inputs: node.inputs.map(offset(of:)),
                        output: offset(of: .node(index)),
                        scratch: assignment.scratch[index].map { layout.offsets[$0] } ?? 0,
                        weights: Array(tensors.prefix(parameters.count))
                    )
                )
            }
            tensors = tensors.dropFirst(parameters.count)
        }
        precondition(tensors.isEmpty, "\(tensors.count) more weights than the graph has parameters")
        self.steps = steps
        self.floatsPerThread = floatsPerThread
        input = Port(name: "input", offset: offset(of: .input), count: graph.inputShape.elementCount)
        outputs = graph.outputs.map { name, value in
            Port(name: name, offset: offset(of: value), count: graph.shape(of: value).elementCount)
        }
        floatsPerItem = layout.total
    }
}

/// An operation with its shapes, its weights and the places of its values, in floats for a batch of one.
final class Step: Sendable {
    let op: any Op
    let inputShapes: [Shape]
    let inputCounts: [Int]
    let outputShape: Shape
    let outputCount: Int
    let inputs: [Int]
    let output: Int
    let scratch: Int
    let weights: [Tensor]

    init(
        op: any Op,
        inputShapes: [Shape],
        outputShape: Shape,
        inputs: [Int],
        output: Int,
        scratch: Int,
        weights: [Tensor]
    ) {
        self.op = op
        self.inputShapes = inputShapes
        inputCounts = inputShapes.map(\.elementCount)
        self.outputShape = outputShape
        outputCount = outputShape.elementCount
        self.inputs = inputs
        self.output = output
        self.scratch = scratch
        self.weights = weights
    }
}
