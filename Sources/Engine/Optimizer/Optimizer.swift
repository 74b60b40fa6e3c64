internal import Graphs

/// Rewrites a graph so that it computes the same with fewer, larger operations.
///
/// The operations say what they are beside their neighbours and what they take in; a pass only looks who reads what. To add
/// a pass: a function on `BoundGraph` and a line here; its test states the graph before, the graph after, and equal
/// outputs.
enum Optimizer {
    /// The passes in their order.
    private static let passes: [@Sendable (inout BoundGraph) -> Void] = [
        { $0.takeFusible() },
        { $0.foldChannelLines() },
        { $0.fuseSums() },
        { $0.fuseActivations() },
        { $0.fuseInputNorms() },
    ]

    static func optimized(_ graph: Graph, weights: Weights) -> BoundGraph {
        var graph = BoundGraph(graph, weights: weights)
        for pass in passes {
            pass(&graph)
            graph.removeDead()
        }
        return graph
    }
}

extension BoundGraph {
    /// Every operation that has a form that takes its neighbours in becomes that.
    fileprivate mutating func takeFusible() {
        for index in nodes.indices { nodes[index].op = nodes[index].op.fusible }
    }

    /// Batch norm and constant scales go into the weights of the convolution before them.
    ///
    /// - Source: Ioffe & Szegedy 2015, §3.1: the norm of a linear map is a linear map.
    fileprivate mutating func foldChannelLines() {
        for index in nodes.indices {
            guard let first = nodes[index].inputs.first, let producer = soleProducer(of: first),
                let lines = lines(of: index), let op = nodes[producer].op.followed(by: lines)
            else { continue }
            nodes[producer].op = op
            replace(.node(index), with: first)
        }
    }

    /// A sum goes into the later of the two convolutions, or the one, that it joins.
    fileprivate mutating func fuseSums() {
        for index in nodes.indices where nodes[index].op.postOp == .sum {
            let inputs = nodes[index].inputs
            for side in inputs.indices {
                let other = inputs[1 - side]
                guard let producer = soleProducer(of: inputs[side]),
                    let op = nodes[producer].op.followed(by: .sum), isThere(other, before: producer)
                else { continue }
                nodes[producer].op = op
                nodes[producer].inputs.append(other)
                replace(.node(index), with: .node(producer))
                break
            }
        }
    }

    /// Activations go into the operation before them.
    fileprivate mutating func fuseActivations() {
        for index in nodes.indices {
            guard let activation = nodes[index].op.postOp, activation != .sum,
                let first = nodes[index].inputs.first, let producer = soleProducer(of: first),
                let op = nodes[producer].op.followed(by: activation)
            else { continue }
            nodes[producer].op = op
            replace(.node(index), with: first)
        }
    }

    /// Batch norm and ReLU before a convolution are done while it reads its input, where nobody else reads it.
    fileprivate mutating func fuseInputNorms() {
        for index in nodes.indices {
            guard let first = nodes[index].inputs.first, let relu = soleProducer(of: first),
                nodes[relu].op.postOp == .clamp(.relu),
                let value = nodes[relu].inputs.first, let norm = soleProducer(of: value),
                let source = nodes[norm].inputs.first, let lines = lines(of: norm),
                let op = nodes[index].op.preceded(by: lines)
            else { continue }
            nodes[index].op = op
            nodes[index].inputs[0] = source
        }
    }

    /// What a node does to each channel, if it is nothing but lines.
    private func lines(of index: Int) -> ChannelLines? {
        let node = nodes[index]
        guard let first = node.inputs.first, let channels = shape(of: first).dimensions.first else {
            return nil
        }
        return node.op.lines(channels: channels, weights: node.weights)
    }

    /// Whether a value has been made when a node runs.
    private func isThere(_ value: Graph.Value, before index: Int) -> Bool {
        guard case .node(let source, _) = value else { return true }
        return source <= index
    }
}
