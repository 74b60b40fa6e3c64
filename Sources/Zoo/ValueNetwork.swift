package import Engine

/// A network that hands out a value which it computes on the way to its answer.
package enum ValueNetwork {
    /// The graph whose output `logits` is a value of another one, computed beside weights that are packed for that.
    ///
    /// It computes all that the other does, so that neighbours are fused as they are there; a view is laid out by a node of its
    /// own, since who reads the original reads what is behind it.
    ///
    /// - Parameters:
    ///   - graph: the network.
    ///   - value: one that `Graph.value(named:)` or `Graph.features` gives.
    ///   - isAveraged: whether a map is averaged over its positions, which leaves a number for each channel.
    /// - Returns: a graph with the same parameters.
    package static func graph(_ graph: Graph, giving value: Graph.Value, isAveraged: Bool = false) -> Graph {
        var network = graph
        var given = source(of: value, in: graph)
        do throws(ShapeError) {
            if isAveraged, graph.shape(of: value).rank == 3 {
                let pool = AdaptiveAveragePool(height: 1, width: 1)
                given = try network.add(pool, name: "value.average", inputs: [given])
                given = try network.add(Flatten(), name: "value.flatten", inputs: [given])
            } else if given != value, graph.shape(of: value).rank == 1 {
                given = try network.add(Flatten(), name: "value.flatten", inputs: [given])
            }
        } catch {
            preconditionFailure("a value of \(graph.shape(of: value)): \(error)")
        }
        let others = graph.outputs.map { (name: "own.\($0.name)", value: $0.value) }
        return network.withOutputs([("logits", given)] + others)
    }

    /// What a value is a view of, or the value itself.
    private static func source(of value: Graph.Value, in graph: Graph) -> Graph.Value {
        guard case .node(let index, _) = value, graph.nodes[index].op.isView else { return value }
        return source(of: graph.nodes[index].inputs[0], in: graph)
    }
}
