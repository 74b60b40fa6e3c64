internal import Graphs
internal import Ops
internal import Platform
internal import Tensors

/// A graph whose operations are chosen and whose images have a layout: blocked from the first convolution to the head,
/// with reorders where an operation has no kernel on blocked images.
struct PlannedGraph {
    struct Node {
        let name: String
        var op: any Op
        let inputs: [Graph.Value]
        let shapes: [Shape]
        let elementTypes: [ElementType]
        /// Of all outputs.
        let layout: Layout
        let weights: [Tensor]

        /// Of the first output.
        var shape: Shape { shapes[0] }
    }

    let inputShape: Shape
    let inputType: ElementType
    private(set) var nodes: [Node] = []
    private(set) var outputs: [(name: String, value: Graph.Value)] = []
    /// Where the values of the optimised graph are.
    private var places: [Graph.Value: Graph.Value] = [.input: .input]
    /// Values in the other layout.
    private var reordered: [Graph.Value: Graph.Value] = [:]

    /// - Throws: `SystemError` when there is no memory for what has to be packed.
    init(_ graph: Graph, weights: Weights) throws(SystemError) {
        inputShape = graph.inputShape
        inputType = graph.inputType
        let optimized = Optimizer.optimized(graph, weights: weights)
        for index in optimized.nodes.indices { try append(index, of: optimized, weights) }
        weights.packed.keepChoices()
        for (name, value) in optimized.outputs {
            outputs.append((name, self.value(value, as: .planar)))
        }
    }

    func shape(of value: Graph.Value) -> Shape {
        switch value {
        case .input: inputShape
        case .node(let index, let output): nodes[index].shapes[output]
        }
    }

    func elementType(of value: Graph.Value) -> ElementType {
        switch value {
        case .input: inputType
        case .node(let index, let output): nodes[index].elementTypes[output]
        }
    }

    func layout(of value: Graph.Value) -> Layout {
        switch value {
        case .input: .planar
        case .node(let index, _): nodes[index].layout
        }
    }

    /// The numbers of one item of a value.
    func count(of value: Graph.Value) -> Int { layout(of: value).count(shape(of: value)) }

    /// The bytes of one item of a value.
    func byteCount(of value: Graph.Value) -> Int { count(of: value) * elementType(of: value).size }

    /// The outputs of a node.
    func outputs(of index: Int) -> [Graph.Value] {
        nodes[index].shapes.indices.map { .node(index, output: $0) }
    }

    /// Replaces an operation by another form of it.
    mutating func setOp(_ op: any Op, at index: Int) { nodes[index].op = op }

    private mutating func append(
        _ index: Int,
        of graph: BoundGraph,
        _ weights: Weights
    ) throws(SystemError) {
        let node = graph.nodes[index]
        guard !isReadThrough(index, of: graph) else { return }
        let sources = sources(of: node, in: graph)
        if var op = node.op.form(at: site(of: node, in: graph, sources: sources)) {
            let inputs = sources.enumerated().map { position, source in
                value(source, as: op.readsPlanar(position) ? .planar : .blocked)
            }
            let layer = try weights.packed.layer(
                op,
                named: node.name,
                weights: node.weights,
                nativeOutput: weights.nativeShapes[node.name] ?? node.shapes[0],
                releasing: weights.isNative
            )
            if let algorithm = layer.algorithm { op = op.using(algorithm: algorithm) }
            let layout: Layout = op.writesPlanar ? .planar : .blocked
            add(Node(of: node, op, inputs, layout, layer.arrays), as: index)
        } else {
            let inputs = node.inputs.map { value($0, as: .planar) }
            add(Node(of: node, node.op, inputs, .planar, node.weights.map(\.kept)), as: index)
        }
    }

    /// Appends what a node of the optimised graph has become.
    private mutating func add(_ node: Node, as index: Int) {
        nodes.append(node)
        for output in node.shapes.indices {
            places[.node(index, output: output)] = .node(nodes.count - 1, output: output)
        }
    }

    /// A value of the optimised graph in a layout; reorders it once when it has another.
    private mutating func value(_ value: Graph.Value, as layout: Layout) -> Graph.Value {
        guard let place = places[value] else { preconditionFailure("\(value) is read before it is made") }
        guard self.layout(of: place) != layout else { return place }
        if let known = reordered[place] { return known }
        nodes.append(
            Node(
                name: "reorder",
                op: layout.reorder,
                inputs: [place],
                shapes: [shape(of: place)],
                elementTypes: [elementType(of: place)],
                layout: layout,
                weights: []
            )
        )
        let other = Graph.Value.node(nodes.count - 1)
        reordered[place] = other
        return other
    }
}

extension PlannedGraph.Node {
    /// A node of the optimised graph in the form that runs.
    fileprivate init(
        of node: BoundGraph.Node,
        _ op: any Op,
        _ inputs: [Graph.Value],
        _ layout: Layout,
        _ weights: [Tensor]
    ) {
        self.init(
            name: node.name,
            op: op,
            inputs: inputs,
            shapes: node.shapes,
            elementTypes: node.elementTypes,
            layout: layout,
            weights: weights
        )
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
            guard case .node(let index, _) = value, places[value] == nil else { return value }
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
        return OpSite(inputs: inputs, output: node.shapes[0], weights: node.weights)
    }
}
