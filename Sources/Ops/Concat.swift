internal import CKernels
package import Graphs
package import Tensors

/// Joins images along the channels.
///
/// - Shape: cᵢ × h × w … → Σcᵢ × h × w.
package struct Concat: Op {
    package init() {}

    package var structure: String { "concat" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard !inputs.isEmpty else { throw ShapeError("concat: nothing to join") }
        let (_, height, width) = try requireImage(inputs[0], for: "concat")
        var channels = 0
        for input in inputs {
            let image = try requireImage(input, for: "concat")
            guard image.height == height, image.width == width else {
                throw ShapeError("concat: \(inputs[0]) and \(input) differ in height or width")
            }
            channels += image.channels
        }
        return [channels, height, width]
    }
}

extension Concat {
    /// Where all but the last of blocked images fill their blocks, they may be written in their places at once.
    package func form(at site: OpSite) -> (any PackedOp)? {
        guard site.isBlocked else { return nil }
        let isWhole = site.inputs.dropLast().allSatisfy { $0.shape[0] % 16 == 0 }
        guard !isWhole else { return BlockedConcat(inputs: site.inputs.count) }
        let sources = site.inputs.enumerated().flatMap { input, value in
            (0..<value.shape[0]).map { ChannelMoves.Source(input: input, channel: $0) }
        }
        return ChannelMoves(sources, structure: structure)
    }

    package var tableRole: TableRole { .join }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        var target = unsafe call.output(item: task.index)
        for index in 0..<call.inputs {
            let count = call.inputCount(index)
            unsafe target.update(from: call.input(index, item: task.index), count: count)
            unsafe target += count
        }
    }
}

/// Joins blocked images along the channels.
///
/// What the plan could place inside the output is there already.
struct BlockedConcat: PackedOp {
    /// The inputs that have to be copied.
    private var copied: [Int]

    init(inputs: Int) { copied = Array(0..<inputs) }

    var structure: String { "concat" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try Concat().outputShape(of: inputs) }

    func parts(of inputs: [Shape]) -> [Int]? {
        inputs.indices.map { inputs.prefix($0).reduce(0) { $0 + Layout.blocked.count($1) } }
    }

    func copying(_ inputs: [Int]) -> any Op {
        var join = self
        join.copied = inputs
        return join
    }

    var isIdle: Bool { copied.isEmpty }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * copied.count }

    func run(_ task: OpTask, of call: OpCall) {
        let item = task.index / copied.count
        let index = copied[task.index % copied.count]
        let offset = (0..<index).reduce(0) { $0 + Layout.blocked.count(call.inputShape($1)) }
        unsafe (call.output(item: item) + offset).update(
            from: call.input(index, item: item),
            count: Layout.blocked.count(call.inputShape(index))
        )
    }
}
