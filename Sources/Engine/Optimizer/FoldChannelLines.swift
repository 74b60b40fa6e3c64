extension BoundGraph {
    /// Every convolution that has a kernel on blocked images takes it.
    mutating func takeBlockedConvolutions() {
        for index in nodes.indices {
            guard let conv = nodes[index].op as? Conv, let blocked = BlockedConv(conv) else { continue }
            nodes[index].op = blocked
        }
    }

    /// Batch norm and constant scales go into the weights of the convolution before them.
    ///
    /// - Source: Ioffe & Szegedy 2015, §3.1: the norm of a linear map is a linear map.
    mutating func foldChannelLines() {
        for index in nodes.indices {
            let node = nodes[index]
            guard let first = node.inputs.first, let producer = soleProducer(of: first),
                var conv = nodes[producer].op as? BlockedConv, conv.isLinear,
                let lines = ChannelLines(
                    node.op,
                    weights: node.weights,
                    channels: conv.conv.outputChannels
                )
            else { continue }
            conv.outputLines = conv.outputLines.map { $0.followed(by: lines) } ?? lines
            nodes[producer].op = conv
            replace(.node(index), with: first)
        }
    }
}
