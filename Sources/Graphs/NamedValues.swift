/// The values that a network computes on the way to its answer, by name.
extension Graph {
    /// The value that a node's name stands for: its output, or where batch norms and activations follow that nobody else
    /// reads, what those make of it, as the row of a layer table has it.
    ///
    /// A plan computes these at once with the layer before them; what they are made of is never there on its own. Where nodes
    /// share a name, as the layers of a recurrent network do, it is that of the last.
    /// - Returns: nil when no node has that name.
    package func value(named name: String) -> Value? {
        guard let index = nodes.lastIndex(where: { $0.name == name }) else { return nil }
        return endOfRow(.node(index))
    }

    /// The names of all nodes in their order, each once.
    package var valueNames: [String] {
        var known: Set<String> = []
        return nodes.map(\.name).filter { known.insert($0).inserted }
    }

    /// What the last layer with trained numbers takes, a classifier's features; nil for a network without such a layer.
    package var features: Value? { nodes.last { !$0.op.parameters.isEmpty }?.inputs[0] }

    private func endOfRow(_ value: Value) -> Value {
        guard !outputs.contains(where: { $0.value == value }) else { return value }
        let readers = nodes.indices.filter { nodes[$0].inputs.contains(value) }
        guard readers.count == 1, let reader = readers.first, nodes[reader].inputs.count == 1 else {
            return value
        }
        switch nodes[reader].op.tableRole {
        case .norm, .function: return endOfRow(.node(reader))
        case .layer, .filters, .join, .view: return value
        }
    }
}
