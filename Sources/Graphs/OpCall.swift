package import Tensors

/// One operation at work: what it reads, where it writes, for how many items.
///
/// Items lie one behind the other in every buffer. The pointers are good during the run only.
@safe // offsets come from the plan, which laid them out inside the arenas
package struct OpCall {
    /// The memory of a run.
    package struct Memory {
        package let values: Arena
        package let threads: Arena
        /// The recurrent states, and the steps of each item.
        let states: Arena
        let steps: StepCounts
        /// Bytes of each thread, and how many of them are values.
        let bytesPerThread: Int
        let valueBytesPerThread: Int
        /// The bytes of one item's state.
        let stateBytesPerItem: Int
        /// Items in the run.
        package let batch: Int

        /// - Parameters:
        ///   - values: the values that belong to the batch.
        ///   - threads: for each thread the values of an item, and behind them its scratch.
        ///   - states: the recurrent states.
        ///   - steps: those of each item.
        ///   - bytesPerThread: how much of `threads` a thread has.
        ///   - valueBytesPerThread: how many of these bytes are values.
        ///   - stateBytesPerItem: the bytes of one item's state.
        ///   - batch: how many items there are.
        package init(
            values: Arena,
            threads: Arena,
            states: Arena,
            steps: StepCounts,
            bytesPerThread: Int,
            valueBytesPerThread: Int,
            stateBytesPerItem: Int,
            batch: Int
        ) {
            self.values = values
            self.threads = threads
            self.states = states
            self.steps = steps
            self.bytesPerThread = bytesPerThread
            self.valueBytesPerThread = valueBytesPerThread
            self.stateBytesPerItem = stateBytesPerItem
            self.batch = batch
        }
    }

    /// The items of the run that a call works on, by how many threads; `thread`'s memory holds the values that are
    /// not in the batch's.
    package struct Part {
        let items: Range<Int>
        let thread: Int
        let threads: Int

        package init(items: Range<Int>, thread: Int, threads: Int) {
            self.items = items
            self.thread = thread
            self.threads = threads
        }
    }

    package let step: Step
    private let memory: Memory
    private let part: Part

    package init(_ step: Step, memory: Memory, part: Part) {
        self.step = step
        self.memory = memory
        self.part = part
    }

    /// Items that the call works on.
    package var batch: Int { part.items.count }

    /// How many threads work on it.
    package var threads: Int { part.threads }

    /// The shape of one item of an input.
    package func inputShape(_ index: Int = 0) -> Shape { step.inputShapes[index] }

    /// The shape of one item of the output, the first where there are several.
    package var outputShape: Shape { step.outputShape }

    /// The floats of one item of an input.
    package func inputCount(_ index: Int = 0) -> Int { step.inputCounts[index] }

    /// The floats of one item of the output, the first where there are several.
    package var outputCount: Int { step.outputCount }

    /// How many inputs there are.
    package var inputs: Int { step.inputs.count }

    /// An item of an input.
    package func input(_ index: Int = 0, item: Int) -> UnsafePointer<Float> {
        unsafe UnsafePointer(pointer(to: step.inputs[index], item: item))
    }

    /// An item of an output.
    package func output(_ index: Int = 0, item: Int) -> UnsafeMutablePointer<Float> {
        unsafe pointer(to: step.outputs[index], item: item)
    }

    /// How many steps of the first input an item has, where items are sequences: at most the first dimension there, which
    /// is 1 behind an operation that made one row of them.
    package func steps(item: Int) -> Int {
        min(memory.steps[part.items.lowerBound + item], step.inputShapes[0][0])
    }

    /// What the operation keeps of an item from one run to the next.
    package func state(item: Int) -> UnsafeMutablePointer<Float> {
        let start = (part.items.lowerBound + item) * memory.stateBytesPerItem + step.stateOffset
        return unsafe (memory.states.base + start).assumingMemoryBound(to: Float.self)
    }

    /// Calls `body` with each stretch of `rows` that holds steps of items: row `r` is step `r % rowsPerItem` of item
    /// `r / rowsPerItem`.
    package func forEachStretch(of rows: Range<Int>, rowsPerItem: Int, _ body: (Range<Int>) -> Void) {
        var start = rows.lowerBound
        while start < rows.upperBound {
            var item = start / rowsPerItem
            var end = item * rowsPerItem + min(steps(item: item), rowsPerItem)
            // After a full item the next one's first row follows without a gap.
            while end == (item + 1) * rowsPerItem, end < rows.upperBound {
                item += 1
                end += min(steps(item: item), rowsPerItem)
            }
            end = min(end, rows.upperBound)
            if end > start { body(start..<end) }
            start = (item + 1) * rowsPerItem
        }
    }

    /// The floats from one item of an input to the next, where there are several.
    package func inputStride(_ index: Int = 0) -> Int { step.inputs[index].stride / ElementType.f32.size }

    /// The floats from one item of the first output to the next, where there are several.
    package var outputStride: Int { step.outputs[0].stride / ElementType.f32.size }

    /// A trained array, by its place in `parameters`.
    package func weight(_ index: Int) -> UnsafePointer<Float> { unsafe step.weights[index].address }

    /// The scratch of all items, `batch` times what the operation asked for.
    package var scratch: UnsafeMutablePointer<Float> {
        guard let scratch = step.scratch else { preconditionFailure("\(step.name) asked for no scratch") }
        return unsafe pointer(to: scratch, item: 0)
    }

    /// The scratch of a thread.
    package func scratch(of thread: Int) -> UnsafeMutablePointer<Float> {
        let start = thread * memory.bytesPerThread + memory.valueBytesPerThread
        return unsafe (memory.threads.base + start).assumingMemoryBound(to: Float.self)
    }

    private func pointer(to place: Step.Place, item: Int) -> UnsafeMutablePointer<Float> {
        let start: UnsafeMutableRawPointer
        if place.isOfThread {
            unsafe start = memory.threads.base + (part.thread * memory.bytesPerThread + place.offset)
        } else {
            let item = part.items.lowerBound + item
            unsafe start = memory.values.base + (place.offset * memory.batch + item * place.stride)
        }
        return unsafe (start + place.inner).assumingMemoryBound(to: Float.self)
    }

    /// Runs all phases of the operation on this thread alone.
    package func run() {
        for phase in 0..<step.op.phases {
            for index in 0..<step.op.taskCount(phase: phase, of: self) {
                step.op.run(OpTask(phase: phase, index: index, thread: part.thread), of: self)
            }
        }
    }
}

/// A division of `count` things into chunks of one size (the last may be smaller).
package struct Chunks {
    package let total: Int
    package let size: Int

    /// - Parameters:
    ///   - total: how many things there are.
    ///   - size: how many a chunk has at most.
    package init(_ total: Int, of size: Int) {
        self.total = total
        self.size = max(1, size)
    }

    /// As few chunks as there can be, of nearly the same size.
    package init(evenly total: Int, ofAtMost size: Int) {
        let count = max(1, (total + size - 1) / size)
        self.init(total, of: (total + count - 1) / count)
    }

    /// How many chunks there are.
    package var count: Int { (total + size - 1) / size }

    /// The things of a chunk.
    package subscript(index: Int) -> Range<Int> { index * size..<min(total, (index + 1) * size) }
}

/// The chunk of elements that one task of an elementwise operation takes; below it threads cost more than they save.
package let elementsPerTask = 32_768
