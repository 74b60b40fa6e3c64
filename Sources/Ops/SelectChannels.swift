package import Graphs
package import Tensors

/// Some channels of an image in a given order: a slice, a shuffle, the inputs of one map.
///
/// - Shape: c × h × w → channels.count × h × w.
package struct SelectChannels: Op {
    /// For each channel that comes out, the one that goes in.
    package let channels: [Int]

    package init(_ channels: [Int]) {
        precondition(channels.allSatisfy { $0 >= 0 }, "channels \(channels)")
        self.channels = channels
    }

    package var structure: String { "select \(channels.count) channels" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (found, height, width) = try requireImage(inputs[0], for: "select")
        guard let last = channels.max(), last < found else {
            throw ShapeError("select: expected more than \(channels.max() ?? 0) channels, found \(found)")
        }
        return [channels.count, height, width]
    }
}

extension SelectChannels {
    /// A slice or the like is taken from blocks, a shuffle from a planar image.
    package func form(at site: OpSite) -> (any PackedOp)? {
        guard site.isBlocked else { return nil }
        let moves = ChannelMoves(channels.map { .init(input: 0, channel: $0) }, structure: structure)
        return moves.isScattered ? nil : moves
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let plane = call.outputCount / channels.count
        let input = unsafe call.input(item: task.index)
        var target = unsafe call.output(item: task.index)
        for channel in channels {
            unsafe target.update(from: input + channel * plane, count: plane)
            unsafe target += plane
        }
    }
}
