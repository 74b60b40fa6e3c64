package import Engine

/// Turns a classifier into a network that slides over an image of any size.
///
/// The first linear layer behind the flattened map becomes a convolution over the whole of that map, the following ones
/// 1×1 convolutions, and the scores of all positions are averaged. The weights are the same numbers in the same order,
/// under other shapes. A network that ends in a global average pool slides already.
/// - Source: Simonyan & Zisserman 2015, §3.2.
package enum FullyConvolutional {
    /// The sliding form of a graph; its `logits` are the average of the class score map.
    ///
    /// - Throws: `ShapeError` with the name of a layer that can only see one position.
    package static func graph(_ graph: Graph) throws(ShapeError) -> Graph {
        var sliding = Graph(inputShape: graph.inputShape)
        var values: [Graph.Value: Graph.Value] = [.input: .input]
        // Maps that the original flattens, and how much of each its next linear layer sees.
        var maps: [Graph.Value: (height: Int, width: Int)] = [:]
        let logits = graph.outputs.first { $0.name == "logits" }?.value
        for (index, node) in graph.nodes.enumerated() {
            let inputs = node.inputs.compactMap { values[$0] }
            let map = maps[inputs[0]]
            var op = node.op
            var rest = map
            switch form(of: node, in: graph, channels: sliding.shape(of: inputs[0])[0], map: map) {
            case .flattensMap where .node(index) != logits:
                let shape = graph.shape(of: node.inputs[0])
                maps[inputs[0]] = (shape[1], shape[2])
                values[.node(index)] = inputs[0]
                continue
            case .sizesMap where isOnlyFlattened(index, in: graph):
                values[.node(index)] = inputs[0]
                continue
            case .over(let other):
                op = other
                rest = (1, 1)
            case .impossible(let reason): throw ShapeError("\(node.name): \(reason)")
            case .same, .flattensMap, .sizesMap: break
            }
            let outputs = try sliding.addAll(op, name: node.name, inputs: inputs)
            for (place, value) in outputs.enumerated() { values[.node(index, output: place)] = value }
            var value = outputs[0]
            maps[value] = rest
            if .node(index) == logits, sliding.shape(of: value).rank == 3 {
                let pool = AdaptiveAveragePool(height: 1, width: 1)
                value = try sliding.add(pool, name: "\(node.name).average", inputs: [value])
                value = try sliding.add(Flatten(), name: "\(node.name).scores", inputs: [value])
            }
            values[.node(index)] = value
        }
        for (name, value) in graph.outputs { sliding.setOutput(name, to: values[value] ?? value) }
        return sliding
    }

    private static func form(
        of node: Graph.Node,
        in graph: Graph,
        channels: Int,
        map: (height: Int, width: Int)? = nil
    ) -> SlidingForm {
        node.op.sliding(node.inputs.map(graph.shape(of:)), channels: channels, map: map)
    }

    /// Whether all readers of a node's map flatten it.
    private static func isOnlyFlattened(_ index: Int, in graph: Graph) -> Bool {
        let channels = graph.nodes[index].shape[0]
        return graph.nodes.filter { $0.inputs.contains(.node(index)) }.allSatisfy { reader in
            if case .flattensMap = form(of: reader, in: graph, channels: channels) { true } else { false }
        }
    }
}
