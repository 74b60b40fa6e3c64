extension BoundGraph {
    /// Batch norm and ReLU before a convolution are done while it reads its input, where nobody else reads it.
    mutating func fuseInputNorms() {
        for index in nodes.indices {
            guard var conv = nodes[index].op as? BlockedConv, conv.inputLines == nil,
                let first = nodes[index].inputs.first, let relu = soleProducer(of: first),
                nodes[relu].op as? Activation == .relu,
                let value = nodes[relu].inputs.first, let norm = soleProducer(of: value),
                let lines = ChannelLines(
                    nodes[norm].op,
                    weights: nodes[norm].weights,
                    channels: conv.conv.inputChannels
                ),
                !conv.isDepthwise, let source = nodes[norm].inputs.first
            else { continue }
            conv.inputLines = lines
            nodes[index].op = conv
            nodes[index].inputs[0] = source
        }
    }
}
