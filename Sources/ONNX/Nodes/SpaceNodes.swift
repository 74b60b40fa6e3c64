internal import Engine

/// Pixels in place of channels, and the reverse.
extension LayoutNodes {
    static let depthToSpace: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let (block, mode) = (try node.integer("blocksize") ?? 0, try node.string("mode", "DCR"))
        guard x.dimensions.count == 4, block > 0, block < 1 << 15, x.dimensions[1] % (block * block) == 0
        else {
            throw .invalid("\(x.dimensions) in blocks of \(block)")
        }
        let (n, c, h, w) = (
            x.dimensions[0], x.dimensions[1] / (block * block), x.dimensions[2], x.dimensions[3]
        )
        let isDepthFirst = mode == "DCR"
        if let quick = try node.builder.spread(x, block, isDepthFirst: isDepthFirst) { return [quick] }
        let split = isDepthFirst ? [n, block, block, c, h, w] : [n, c, block, block, h, w]
        let order = isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]
        let moved = try transposed(node.builder.reshaped(x, to: split), order, node.builder)
        return [try node.builder.reshaped(moved, to: [n, c, h * block, w * block])]
    }

    static let spaceToDepth: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let block = try node.integer("blocksize") ?? 0
        guard x.dimensions.count == 4, block > 0, block < 1 << 15, x.dimensions[2] % block == 0,
            x.dimensions[3] % block == 0
        else { throw .invalid("\(x.dimensions) in blocks of \(block)") }
        let (n, c, h, w) = (
            x.dimensions[0], x.dimensions[1], x.dimensions[2] / block, x.dimensions[3] / block
        )
        let split = try node.builder.reshaped(x, to: [n, c, h, block, w, block])
        let isDepthFirst = try node.string("mode", "DCR") == "DCR"
        let moved = try transposed(
            split,
            isDepthFirst ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4],
            node.builder
        )
        return [try node.builder.reshaped(moved, to: [n, c * block * block, h, w])]
    }
}

extension GraphBuilder {
    /// An image's channels as the pixels of cells; nil where it is no image.
    fileprivate func spread(_ known: Known, _ block: Int, isDepthFirst: Bool) throws(NodeFault) -> Known? {
        guard case .value(let value) = known, isImage(value) else { return nil }
        let (height, width) = (value.dimensions[2] * block, value.dimensions[3] * block)
        let phases = block * block
        let channels = value.dimensions[1] / phases
        let stride = DepthToSpace.stride(channels: channels)
        var source = value.value
        if !isDepthFirst || stride != channels {
            // Those that fill up the blocks are read by nobody.
            let order = (0..<phases * stride).map { place in
                let (phase, channel) = (place / stride, min(place % stride, channels - 1))
                return isDepthFirst ? phase * channels + channel : channel * phases + phase
            }
            source = try append(SelectChannels(order), [source], [])[0]
        }
        let op = DepthToSpace(cell: Extent(block), channels: channels, height: height, width: width)
        let result = try append(op, [source], [])[0]
        return .value(RunValue(value: result, dimensions: [1, channels, height, width], type: value.type))
    }
}
