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
        var windows: [Graph.Value: Window] = [:]
        let logits = graph.outputs.first { $0.name == "logits" }?.value
        for (index, node) in graph.nodes.enumerated() {
            let inputs = node.inputs.compactMap { values[$0] }
            let window = windows[inputs[0]]
            let op: any Op
            switch node.op {
            case is Flatten where graph.shape(of: node.inputs[0]).rank == 3 && .node(index) != logits:
                let map = graph.shape(of: node.inputs[0])
                windows[inputs[0]] = Window(height: map[1], width: map[2])
                values[.node(index)] = inputs[0]
                continue
            case is AdaptiveAveragePool where keepsPublishedSize(index, in: graph):
                values[.node(index)] = inputs[0]
                continue
            case let linear as Linear where window != nil:
                op = Conv(
                    inputChannels: sliding.shape(of: inputs[0])[0],
                    outputChannels: linear.outputs,
                    window: window ?? Window(1),
                    hasBias: linear.hasBias
                )
            case is RadialBasis:
                throw ShapeError("\(node.name): radial basis units see one position, not a whole image")
            default:
                op = node.op
            }
            var value = try sliding.add(op, name: node.name, inputs: inputs)
            windows[value] = node.op is Linear && window != nil ? Window(1) : window
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

    /// Whether a pool serves only to give the classifier its size, which a sliding one does not need.
    private static func keepsPublishedSize(_ index: Int, in graph: Graph) -> Bool {
        let shape = graph.nodes[index].shape
        let readers = graph.nodes.filter { $0.inputs.contains(.node(index)) }
        return shape[1] * shape[2] > 1 && readers.allSatisfy { $0.op is Flatten }
    }
}
