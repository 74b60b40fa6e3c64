/// Which values of a graph share a buffer, and when each buffer is in use.
///
/// A view shares its input's buffer. An operation that may write over an input does so when nobody reads that input
/// afterwards. Node i runs at step i; the input is there from step 0, outputs stay to the end.
struct BufferAssignment {
    /// The buffers of values, and behind them the scratch of the nodes that need some.
    private(set) var buffers: [MemoryPlanner.Buffer] = []
    /// The buffer of the graph's input.
    let input: Int
    /// The buffer of each node's output.
    private(set) var nodes: [Int] = []
    /// The buffer of each node's scratch, if it needs one.
    private(set) var scratch: [Int?] = []

    init(_ graph: Graph) {
        let lastUses = Self.lastUses(in: graph)
        input = 0
        let inputEnd = lastUses[.input] ?? 0
        buffers.append(.init(count: graph.inputShape.elementCount, lifetime: 0...inputEnd))
        for (index, node) in graph.nodes.enumerated() {
            let end = lastUses[.node(index)] ?? index
            let shared = sharedInput(of: node, at: index, in: graph)
            let buffer = shared ?? buffers.count
            if shared == nil { buffers.append(.init(count: node.shape.elementCount, lifetime: index...end)) }
            let life = buffers[buffer].lifetime
            buffers[buffer].lifetime = life.lowerBound...max(life.upperBound, end)
            nodes.append(buffer)
        }
        for (index, node) in graph.nodes.enumerated() {
            let count = node.op.scratch(inputs: node.inputs.map(graph.shape(of:)), output: node.shape).perItem
            scratch.append(count > 0 ? buffers.count : nil)
            if count > 0 { buffers.append(.init(count: count, lifetime: index...index)) }
        }
    }

    /// The buffer of a value.
    func buffer(of value: Graph.Value) -> Int {
        switch value {
        case .input: input
        case .node(let index): nodes[index]
        }
    }

    private func sharedInput(of node: Graph.Node, at index: Int, in graph: Graph) -> Int? {
        switch node.op.placement {
        case .separate: return nil
        case .view: return buffer(of: node.inputs[0])
        case .overInput:
            let free = node.inputs.first { value in
                graph.shape(of: value).elementCount == node.shape.elementCount
                    && buffers[buffer(of: value)].lifetime.upperBound <= index
            }
            return free.map(buffer(of:))
        }
    }

    /// The last step at which a value is read.
    private static func lastUses(in graph: Graph) -> [Graph.Value: Int] {
        var uses: [Graph.Value: Int] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for value in node.inputs { uses[value] = index }
        }
        for (_, value) in graph.outputs { uses[value] = graph.nodes.count }
        return uses
    }
}
