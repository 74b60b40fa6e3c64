internal import CKernels

/// Joins blocked images along the channels.
///
/// What the plan could place inside the output is there already.
struct BlockedConcat: PackedOp {
    /// The inputs that have to be copied.
    var copied: [Int]

    init(inputs: Int) { copied = Array(0..<inputs) }

    var structure: String { "concat" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try Concat().outputShape(of: inputs) }

    /// Where an input's channels begin, in floats of an item.
    static func offset(of index: Int, in inputs: [Shape]) -> Int {
        inputs.prefix(index).reduce(0) { $0 + Layout.blocked.count($1) }
    }

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
