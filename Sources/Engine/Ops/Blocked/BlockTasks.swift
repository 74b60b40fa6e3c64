/// The channel blocks of all items' outputs, in chunks that are worth a task each.
struct BlockTasks {
    /// Some blocks of the list, each with its item.
    struct Blocks: Sequence, IteratorProtocol {
        private var range: Range<Int>
        private let blocks: Int

        init(_ range: Range<Int>, blocks: Int) {
            self.range = range
            self.blocks = blocks
        }

        mutating func next() -> (item: Int, block: Int)? {
            guard let first = range.first else { return nil }
            range = (first + 1)..<range.upperBound
            return (first / blocks, first % blocks)
        }
    }

    private let blocks: Int
    private let chunks: Chunks

    init(_ call: OpCall) {
        blocks = Layout.blocks(call.outputShape[0])
        let floats = 16 * max(Layout.pixels(call.inputShape()), Layout.pixels(call.outputShape))
        chunks = Chunks(call.batch * blocks, of: elementsPerTask / floats)
    }

    var count: Int { chunks.count }

    subscript(task: Int) -> Blocks { Blocks(chunks[task], blocks: blocks) }
}

extension OpCall {
    /// A channel block of an item of an input.
    func block(_ block: Int, ofInput index: Int, item: Int) -> UnsafePointer<Float> {
        unsafe input(index, item: item) + block * Self.blockStride(inputShape(index))
    }

    /// A channel block of an item of the output.
    func block(_ block: Int, ofOutputItem item: Int) -> UnsafeMutablePointer<Float> {
        unsafe output(item: item) + block * Self.blockStride(outputShape)
    }
}
