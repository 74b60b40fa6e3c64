internal import Graphs
internal import Tensors

/// A graph with its weights, in the form that the passes rewrite.
struct BoundGraph {
    struct Node {
        let name: String
        var op: any Op
        var inputs: [Graph.Value]
        let shapes: [Shape]
        let elementTypes: [ElementType]
        var weights: [TrainedArray]
    }

    let inputShape: Shape
    let inputType: ElementType
    private(set) var outputs: [(name: String, value: Graph.Value)]
    /// In an order in which they can run.
    var nodes: [Node] = []

    /// - Precondition: `weights` were made for this graph, or for one that differs in its input shape only.
    init(_ graph: Graph, weights: Weights) {
        inputShape = graph.inputShape
        inputType = graph.inputType
        outputs = graph.outputs
        var tensors = weights.arrays[...]
        for node in graph.nodes {
            let parameters = node.op.parameters
            let own = tensors.prefix(parameters.count)
            precondition(
                parameters.map(\.shape) == own.map(\.shape),
                "\(node.name): the weights are those of another graph"
            )
            tensors = tensors.dropFirst(parameters.count)
            nodes.append(
                Node(
                    name: node.name,
                    op: node.op,
                    inputs: node.inputs,
                    shapes: node.shapes,
                    elementTypes: node.elementTypes,
                    weights: Array(own)
                )
            )
        }
        precondition(tensors.isEmpty, "\(tensors.count) more weights than the graph has parameters")
    }

    func shape(of value: Graph.Value) -> Shape {
        switch value {
        case .input: inputShape
        case .node(let index, let output): nodes[index].shapes[output]
        }
    }

    /// The shape of what a value is a view of, when it is one.
    func viewed(_ value: Graph.Value) -> Shape? {
        guard case .node(let index, _) = value, nodes[index].op.isView else { return nil }
        return shape(of: nodes[index].inputs[0])
    }

    /// The node behind a value that is all that it gives and that has one reader, or nil.
    func soleProducer(of value: Graph.Value) -> Int? {
        guard case .node(let index, _) = value, nodes[index].shapes.count == 1, readers(of: value) == 1 else {
            return nil
        }
        return index
    }

    /// How many inputs and outputs are this value.
    private func readers(of value: Graph.Value) -> Int {
        nodes.reduce(0) { $0 + $1.inputs.filter { $0 == value }.count }
            + outputs.filter { $0.value == value }.count
    }

    /// Lets everybody who reads `old`, all that its node gives, read `new` instead; that node is dead then.
    mutating func replace(_ old: Graph.Value, with new: Graph.Value) {
        for index in nodes.indices {
            nodes[index].inputs = nodes[index].inputs.map { $0 == old ? new : $0 }
        }
        outputs = outputs.map { ($0.name, $0.value == old ? new : $0.value) }
        if case .node(let index, _) = old { nodes[index].inputs = [] }
    }

    /// Removes the nodes that no output depends on.
    mutating func removeDead() {
        var alive = Set<Int>()
        var waiting = outputs.map(\.value)
        while let value = waiting.popLast() {
            guard case .node(let index, _) = value, alive.insert(index).inserted else { continue }
            waiting += nodes[index].inputs
        }
        let kept = nodes.indices.filter(alive.contains)
        let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
        func moved(_ value: Graph.Value) -> Graph.Value {
            guard case .node(let index, let output) = value, let place = places[index] else { return value }
            return .node(place, output: output)
        }
        nodes = kept.map { index in
            var node = nodes[index]
            node.inputs = node.inputs.map(moved)
            return node
        }
        outputs = outputs.map { ($0.name, moved($0.value)) }
    }
}
