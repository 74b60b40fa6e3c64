internal import Graphs
internal import Ops
internal import Tensors

/// A graph whose operations are chosen and whose images have a layout: blocked from the first convolution to the head,
/// with reorders where an operation has no kernel on blocked images.
struct PlannedGraph {
    struct Node {
        let name: String
        var op: any Op
        let inputs: [Graph.Value]
        let shape: Shape
        let layout: Layout
        let weights: [Tensor]
    }

    let inputShape: Shape
    private(set) var nodes: [Node] = []
    private(set) var outputs: [(name: String, value: Graph.Value)] = []
    /// Where the values of the optimised graph are.
    private var places: [Graph.Value: Graph.Value] = [.input: .input]
    /// Values in the other layout.
    private var reordered: [Graph.Value: Graph.Value] = [:]

    init(_ graph: Graph, weights: Weights) {
        inputShape = graph.inputShape
        let optimized = Optimizer.optimized(graph, weights: weights)
        for index in optimized.nodes.indices { append(index, of: optimized, weights) }
        weights.packed.keepChoices()
        for (name, value) in optimized.outputs {
            outputs.append((name, self.value(value, as: .planar)))
        }
    }

    func shape(of value: Graph.Value) -> Shape {
        switch value {
        case .input: inputShape
        case .node(let index): nodes[index].shape
        }
    }

    func layout(of value: Graph.Value) -> Layout {
        switch value {
        case .input: .planar
        case .node(let index): nodes[index].layout
        }
    }

    /// The floats of one item of a value.
    func count(of value: Graph.Value) -> Int { layout(of: value).count(shape(of: value)) }

    /// Replaces an operation by another form of it.
    mutating func setOp(_ op: any Op, at index: Int) { nodes[index].op = op }

    private mutating func append(_ index: Int, of graph: BoundGraph, _ weights: Weights) {
        let node = graph.nodes[index]
        guard !isReadThrough(index, of: graph) else { return }
        let sources = sources(of: node, in: graph)
        if var op = node.op.form(at: site(of: node, in: graph, sources: sources)) {
            let inputs = sources.enumerated().map { position, source in
                value(source, as: op.readsPlanar(position) ? .planar : .blocked)
            }
            let layer = weights.packed.layer(
                op,
                named: node.name,
                weights: node.weights,
                nativeOutput: weights.nativeShapes[node.name] ?? node.shape,
                releasing: weights.isNative
            )
            if let algorithm = layer.algorithm { op = op.using(algorithm: algorithm) }
            let layout: Layout = op.writesPlanar ? .planar : .blocked
            places[.node(index)] = add(node.name, op, inputs, node.shape, layout, layer.arrays)
        } else {
            let inputs = node.inputs.map { value($0, as: .planar) }
            let weights = node.weights.map(\.kept)
            places[.node(index)] = add(node.name, node.op, inputs, node.shape, .planar, weights)
        }
    }

    private mutating func add(
        _ name: String,
        _ op: any Op,
        _ inputs: [Graph.Value],
        _ shape: Shape,
        _ layout: Layout,
        _ weights: [Tensor] = []
    ) -> Graph.Value {
        nodes.append(
            Node(name: name, op: op, inputs: inputs, shape: shape, layout: layout, weights: weights)
        )
        return .node(nodes.count - 1)
    }

    /// A value of the optimised graph in a layout; reorders it once when it has another.
    private mutating func value(_ value: Graph.Value, as layout: Layout) -> Graph.Value {
        guard let place = places[value] else { preconditionFailure("\(value) is read before it is made") }
        guard self.layout(of: place) != layout else { return place }
        if let known = reordered[place] { return known }
        let other = add("reorder", layout.reorder, [place], shape(of: place), layout)
        reordered[place] = other
        return other
    }
}

extension PlannedGraph {
    /// Whether a view only leads a blocked image to operations that read it as it is.
    private func isReadThrough(_ index: Int, of graph: BoundGraph) -> Bool {
        guard graph.nodes[index].op.isView, let place = places[graph.nodes[index].inputs[0]],
            layout(of: place) == .blocked, !graph.outputs.contains(where: { $0.value == .node(index) })
        else { return false }
        return graph.nodes.allSatisfy { $0.op.readsThroughViews || !$0.inputs.contains(.node(index)) }
    }

    /// The values that a node reads, before a view that is left out.
    private func sources(of node: BoundGraph.Node, in graph: BoundGraph) -> [Graph.Value] {
        node.inputs.map { value in
            guard case .node(let index) = value, places[value] == nil else { return value }
            return graph.nodes[index].inputs[0]
        }
    }

    /// Where a node stands between what is planned already.
    private func site(of node: BoundGraph.Node, in graph: BoundGraph, sources: [Graph.Value]) -> OpSite {
        let inputs = sources.map { source in
            guard let place = places[source] else {
                preconditionFailure("\(source) is read before it is made")
            }
            return OpSite.Input(
                shape: shape(of: place),
                layout: layout(of: place),
                viewed: graph.viewed(source)
            )
        }
        return OpSite(inputs: inputs, output: node.shape, weights: node.weights)
    }
}
