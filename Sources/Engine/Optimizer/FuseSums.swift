extension BoundGraph {
    /// A sum goes into the later of the two convolutions, or the one, that it joins.
    mutating func fuseSums() {
        for index in nodes.indices where nodes[index].op is Add {
            let inputs = nodes[index].inputs
            let candidates = inputs.indices.compactMap { side -> (producer: Int, other: Graph.Value)? in
                guard let producer = soleProducer(of: inputs[side]),
                    let conv = nodes[producer].op as? BlockedConv, conv.isLinear
                else { return nil }
                let other = inputs[1 - side]
                // What is added must be there before the convolution runs.
                if case .node(let source) = other, source > producer { return nil }
                return (producer, other)
            }
            guard let (producer, other) = candidates.first, var conv = nodes[producer].op as? BlockedConv
            else { continue }
            conv.addsResidual = true
            nodes[producer].op = conv
            nodes[producer].inputs.append(other)
            replace(.node(index), with: .node(producer))
        }
    }
}
