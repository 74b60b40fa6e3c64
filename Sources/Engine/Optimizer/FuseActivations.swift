extension BoundGraph {
    /// ReLU and ReLU6 go into the operation before them.
    mutating func fuseActivations() {
        for index in nodes.indices {
            guard let activation = nodes[index].op as? Activation,
                activation == .relu || activation == .relu6,
                let first = nodes[index].inputs.first, let producer = soleProducer(of: first),
                var op = nodes[producer].op as? any TakesActivation, op.activation == nil
            else { continue }
            op.activation = activation
            nodes[producer].op = op
            replace(.node(index), with: first)
        }
    }
}

/// An operation that can apply ReLU or ReLU6 to what it stores.
protocol TakesActivation: Op {
    var activation: Activation? { get set }
}
