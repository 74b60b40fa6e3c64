package import Graphs
package import Tensors

/// How one graph runs with its weights on items of one shape: the steps in order and a place for every value.
///
/// Up to `split` the steps work on one item at a time, in memory of the thread that does, so that a large batch can be
/// given out by whole items and the activations stay in a core's cache. From there on the weights are what is large:
/// a step works on the whole batch, so that its weights are read once.
///
/// A plan never changes. Offsets into the batch's memory are for a batch of one; for a larger batch every offset and
/// size is multiplied.
package final class Plan: Sendable {
    /// A value that goes in or comes out.
    struct Port: Sendable {
        let name: String
        let offset: Int
        let count: Int
        /// The floats of each step of a sequence; nil when it is one whole.
        let countPerStep: Int?
    }

    let steps: [Step]
    /// The first step that works on the whole batch.
    let split: Int
    let input: Port
    let outputs: [Port]
    /// The floats that all buffers take together, for one item.
    let floatsPerItem: Int
    /// The floats that each thread needs for the values of one item and, behind them, as scratch.
    let floatsPerThread: Int
    /// The floats of a thread's values.
    let valuesPerThread: Int
    /// The floats of one item's recurrent state.
    let statePerItem: Int
    /// The most steps of an item.
    let maxSteps: Int
    /// The shape of an item, with the most steps of a sequence.
    package let inputShape: Shape
    /// Whether a sequence can be run in parts, each from the state in which the one before ended.
    package let isStreamable: Bool
    /// What a run asks of the machine.
    package let cost: PlanCost

    /// Lays out a graph.
    ///
    /// - Precondition: `weights` were made for this graph, or for one that differs in its input shape only.
    package init(_ source: Graph, weights: Weights) {
        var graph = PlannedGraph(source, weights: weights)
        let slabs = Slabs(&graph)
        let assignment = BufferAssignment(graph, slabs: slabs)
        let split = Self.split(graph)
        let memory = PlacedBuffers(assignment.buffers, split: split)
        var steps: [Step] = []
        var scratchPerThread = 0
        var statePerItem = 0
        for (index, node) in graph.nodes.enumerated() {
            let inputShapes = node.inputs.map(graph.shape(of:))
            let perThread = node.op.scratch(inputs: inputShapes, output: node.shape).perThread
            scratchPerThread = max(scratchPerThread, Arena.aligned(perThread))
            steps.append(
                Step(
                    name: node.name,
                    op: node.op,
                    weights: node.weights,
                    inputShapes: inputShapes,
                    outputShape: node.shape,
                    inputs: node.inputs.map { memory.place(assignment.place(of: $0)) },
                    output: memory.place(assignment.nodes[index]),
                    scratch: assignment.scratch[index].map { memory.place(.init(buffer: $0, offset: 0)) },
                    stateOffset: statePerItem
                )
            )
            statePerItem += node.op.stateCount
        }
        self.split = steps[..<split].filter(\.runs).count
        self.steps = steps.filter(\.runs)
        valuesPerThread = memory.floatsPerThread
        floatsPerThread = memory.floatsPerThread + scratchPerThread
        self.statePerItem = statePerItem
        maxSteps = graph.inputShape.dimensions.first ?? 1
        inputShape = source.inputShape
        isStreamable = source.isStreamable
        cost = PlanCost(parts: self.steps.map(\.cost))
        input = Self.port("input", source.inputShape, source.hasSteps(.input), at: .input, assignment, memory)
        outputs = zip(graph.outputs, source.outputs).map { planned, output in
            let shape = source.shape(of: output.value)
            return Self.port(
                output.name,
                shape,
                source.hasSteps(output.value),
                at: planned.value,
                assignment,
                memory
            )
        }
        floatsPerItem = memory.floatsPerItem
    }

    /// The bytes that the values of one item take.
    package var bytesPerItem: Int { (floatsPerItem + statePerItem) * MemoryLayout<Float>.stride }

    /// The bytes that each thread takes, whatever the batch.
    package var bytesPerThread: Int { floatsPerThread * MemoryLayout<Float>.stride }

    /// The names of the outputs.
    package var outputNames: [String] { outputs.map(\.name) }

    private static func port(
        _ name: String,
        _ shape: Shape,
        _ hasSteps: Bool,
        at value: Graph.Value,
        _ assignment: BufferAssignment,
        _ memory: PlacedBuffers
    ) -> Port {
        Port(
            name: name,
            offset: memory.place(assignment.place(of: value)).offset,
            count: shape.elementCount,
            countPerStep: hasSteps ? shape.elementCount / shape[0] : nil
        )
    }

    /// The operations that run, in order, by name.
    package var operations: [(name: String, structure: String)] { steps.map { ($0.name, $0.op.structure) } }

    /// The first node whose weights outweigh what it reads and writes; nodes before it are done item by item.
    ///
    /// Without blocked images there is nothing to gain from that.
    private static func split(_ graph: PlannedGraph) -> Int {
        guard graph.nodes.contains(where: { $0.layout == .blocked }) else { return 0 }
        let heavy = graph.nodes.indices.first { index in
            let node = graph.nodes[index]
            let weights = node.weights.reduce(0) { $0 + $1.shape.elementCount }
            let values = node.inputs.reduce(graph.count(of: .node(index))) { $0 + graph.count(of: $1) }
            return weights > max(values, 1 << 16)
        }
        return heavy ?? graph.nodes.count
    }
}
