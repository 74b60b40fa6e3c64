package import Engine

/// A classifier with its last two steps exchanged: each position of the last maps is weighed by the linear layer first, and
/// the class score maps that come of it are averaged afterwards.
///
/// Both are linear, so the mean of a class's map is its logit. It takes a network that ends in a global average pool and at
/// most one linear layer, whatever it is called: found on the graph. The trained numbers are the same, under other shapes.
/// - Source: Zhou et al. 2016, §2:  M_c(x, y) = Σ_k w_k^c f_k(x, y), and S_c = Σ_{x,y} M_c(x, y); the maps here have the bias
///   of their class added at every position. Lin et al. 2014, §3.2, have no linear layer: the pooled maps are the classes'.
package struct ClassMaps: Sendable {
    /// The network; its output `logits` are the maps, classes × height × width.
    package let graph: Graph
    /// The name of the array with the bias of each class; nil where there is none.
    package let bias: String?

    /// - Throws: `ShapeError` that says how the network ends instead.
    package init(_ source: Graph) throws(ShapeError) {
        let ending = try Ending(of: source)
        var graph = Graph(inputShape: source.inputShape, inputType: source.inputType)
        var values: [Graph.Value: Graph.Value] = [.input: .input]
        for (index, node) in source.nodes.enumerated() where !ending.follows.contains(index) {
            let isHead = index == ending.head
            let inputs = isHead ? [ending.map] : node.inputs
            let outputs = try graph.addAll(
                isHead ? Self.sliding(node) : node.op,
                name: node.name,
                inputs: inputs.map { values[$0] ?? $0 }
            )
            for (place, value) in outputs.enumerated() { values[.node(index, output: place)] = value }
        }
        let head = ending.head.flatMap { values[.node($0)] }
        let map = values[ending.map] ?? ending.map
        graph.setOutput("logits", to: head ?? map)
        // A second reader of the features keeps a norm before them from being taken into the head, which is packed without.
        if head != nil { graph.setOutput("features", to: map) }
        self.graph = graph
        bias = ending.head.flatMap { index in
            let node = source.nodes[index]
            return node.op.parameters.count > 1 ? "\(node.name).\(node.op.parameters[1].name)" : nil
        }
    }

    /// The head as a convolution over single positions.
    private static func sliding(_ node: Graph.Node) -> any Op {
        guard let linear = node.op as? Linear else { return node.op }
        return Conv(
            inputChannels: linear.inputs,
            outputChannels: linear.outputs,
            window: Window(height: 1, width: 1),
            hasBias: linear.hasBias
        )
    }

    /// How a network ends, read backwards from its logits.
    private struct Ending {
        /// The maps before the pool.
        let map: Graph.Value
        /// The layer behind it that has trained numbers.
        let head: Int?
        /// The nodes that take what the head gives.
        let follows: Set<Int>

        init(of graph: Graph) throws(ShapeError) {
            guard var value = graph.outputs.first(where: { $0.name == "logits" })?.value else {
                throw ShapeError("it has no output 'logits'")
            }
            var head: Int?
            while case .node(let index, _) = value {
                let node = graph.nodes[index]
                let input = graph.shape(of: node.inputs[0])
                if Self.averagesAll(node.op, of: input) {
                    map = node.inputs[0]
                    self.head = head
                    follows = head.map { Self.readers(of: $0, in: graph) } ?? []
                    guard follows.allSatisfy({ graph.nodes[$0].op.parameters.isEmpty }) else {
                        throw ShapeError("its logits are read by another layer")
                    }
                    return
                }
                if head == nil, Self.weighs(node.op, input) {
                    head = index
                } else if !node.op.isView {
                    throw ShapeError(
                        "it ends in '\(node.name)', not in a global average pool and one linear layer"
                    )
                }
                value = node.inputs[0]
            }
            throw ShapeError("it has no global average pool")
        }

        private static func averagesAll(_ op: any Op, of input: Shape) -> Bool {
            if let pool = op as? AdaptiveAveragePool { return pool.height == 1 && pool.width == 1 }
            guard let pool = op as? Pool, pool.kind != .max, input.rank == 3 else { return false }
            let (window, output) = (pool.window, try? pool.outputShape(of: [input]))
            return output.map { Array($0.dimensions.dropFirst()) } == [1, 1] && window.pads == .zero
                && window.kernel == Extent(height: input[1], width: input[2])
        }

        private static func weighs(_ op: any Op, _ input: Shape) -> Bool {
            if op is Linear { return input.rank == 1 }
            guard let conv = op as? Conv else { return false }
            return conv.window == Window(height: 1, width: 1) && conv.groups == 1
        }

        /// The nodes that a node's output goes to, near or far.
        private static func readers(of start: Int, in graph: Graph) -> Set<Int> {
            var found: Set<Int> = []
            for index in graph.nodes.indices.dropFirst(start + 1) {
                let isReader = graph.nodes[index].inputs.contains { input in
                    guard case .node(let source, _) = input else { return false }
                    return source == start || found.contains(source)
                }
                if isReader { found.insert(index) }
            }
            return found
        }
    }
}
