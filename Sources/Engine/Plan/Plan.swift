package import Graphs
package import Platform
package import Tensors

/// How one graph runs with its weights on items of one shape: the steps in order and a place for every value.
///
/// Up to `split` the steps work on one item at a time, in memory of the thread that does, so that a large batch can be
/// given out by whole items and the activations stay in a core's cache. From there on the weights are what is large:
/// a step works on the whole batch, so that its weights are read once.
///
/// A plan never changes. All memory is counted in bytes; offsets into the batch's memory are for a batch of one, and for a
/// larger batch every offset and size is multiplied.
package final class Plan: Sendable {
    /// A value that goes in or comes out.
    struct Port: Sendable {
        let name: String
        let elementType: ElementType
        let place: Step.Place
        /// The numbers of an item.
        let count: Int
        /// Those of each step of a sequence; nil when it is one whole.
        let countPerStep: Int?

        /// Where an item of a batch is in the batch's memory.
        func offset(item: Int, batch: Int) -> Int {
            place.offset * batch + item * place.stride + place.inner
        }
    }

    let steps: [Step]
    /// The first step that works on the whole batch.
    let split: Int
    let input: Port
    let outputs: [Port]
    /// What all buffers take together, for one item.
    let valueBytesPerItem: Int
    /// What each thread takes for the values of one item and, behind them, as scratch, whatever the batch.
    package let bytesPerThread: Int
    /// What a thread's values take.
    let valueBytesPerThread: Int
    /// The numbers of one item's recurrent state.
    let stateCount: Int
    /// The most steps of an item.
    let maxSteps: Int
    /// The shape of an item, with the most steps of a sequence.
    package let inputShape: Shape
    /// Whether a sequence can be run in parts, each from the state in which the one before ended.
    package let isStreamable: Bool
    /// What a run asks of the machine.
    package let cost: PlanCost
    /// Of each operation that runs, by its name, whether it gives a blocked image.
    package let isBlocked: [String: Bool]

    /// Lays out a graph.
    ///
    /// - Precondition: `weights` were made for this graph, or for one that differs in its input shape only.
    /// - Throws: `SystemError` when there is no memory for what has to be packed.
    package init(_ source: Graph, weights: Weights) throws(SystemError) {
        var graph = try PlannedGraph(source, weights: weights)
        let slabs = Slabs(&graph)
        let assignment = BufferAssignment(graph, slabs: slabs)
        let split = Self.split(graph)
        let memory = PlacedBuffers(assignment.buffers, split: split)
        var steps: [Step] = []
        var scratchPerThread = 0
        var stateCount = 0
        for (index, node) in graph.nodes.enumerated() {
            let inputShapes = node.inputs.map(graph.shape(of:))
            let perThread = node.op.scratch(inputs: inputShapes, output: node.shape).bytesPerThread
            scratchPerThread = max(scratchPerThread, Arena.aligned(perThread))
            steps.append(
                Step(
                    name: node.name,
                    op: node.op,
                    weights: node.weights,
                    inputShapes: inputShapes,
                    outputShapes: node.shapes,
                    inputs: node.inputs.map { memory.place(assignment.place(of: $0)) },
                    outputs: assignment.nodes[index].map(memory.place),
                    scratch: assignment.scratch[index].map { memory.place(.init(buffer: $0, offset: 0)) },
                    stateOffset: stateCount * ElementType.f32.size
                )
            )
            stateCount += node.op.stateCount
        }
        self.split = steps[..<split].filter(\.runs).count
        self.steps = steps.filter(\.runs)
        let layouts = zip(steps, graph.nodes).filter { $0.0.runs }.map {
            ($0.0.name, $0.1.layout == .blocked)
        }
        isBlocked = Dictionary(layouts) { first, _ in first }
        valueBytesPerItem = memory.bytesPerItem
        valueBytesPerThread = memory.bytesPerThread
        bytesPerThread = memory.bytesPerThread + scratchPerThread
        self.stateCount = stateCount
        maxSteps = graph.inputShape.dimensions.first ?? 1
        inputShape = source.inputShape
        isStreamable = source.isStreamable
        cost = PlanCost(parts: self.steps.map(\.cost))
        let inputPlace = memory.place(assignment.place(of: .input))
        input = Self.port("input", .input, of: source, at: inputPlace)
        outputs = zip(graph.outputs, source.outputs).map { planned, output in
            let place = memory.place(assignment.place(of: planned.value))
            return Self.port(output.name, output.value, of: source, at: place)
        }
    }

    /// The bytes of one item's recurrent state.
    var stateBytesPerItem: Int { stateCount * ElementType.f32.size }

    /// The bytes that the values of one item take.
    package var bytesPerItem: Int { valueBytesPerItem + stateBytesPerItem }

    /// The bytes that a batch takes together with the threads that work on it.
    package func bytes(batch: Int, threads: Int) -> Int {
        let (items, overflows) = bytesPerItem.multipliedReportingOverflow(by: batch)
        let (bytes, isTooLarge) = items.addingReportingOverflow(bytesPerThread * threads)
        return overflows || isTooLarge ? .max : bytes
    }

    private static func port(
        _ name: String,
        _ value: Graph.Value,
        of graph: Graph,
        at place: Step.Place
    ) -> Port {
        let shape = graph.shape(of: value)
        return Port(
            name: name,
            elementType: graph.elementType(of: value),
            place: place,
            count: shape.elementCount,
            countPerStep: graph.hasSteps(value) ? shape.elementCount / shape[0] : nil
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
            let values = (node.inputs + graph.outputs(of: index)).reduce(0) { $0 + graph.count(of: $1) }
            return weights > max(values, 1 << 16)
        }
        return heavy ?? graph.nodes.count
    }
}
