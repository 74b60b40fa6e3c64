internal import CKernels

/// One operation at work: what it reads, where it writes, for how many items.
///
/// Items lie one behind the other in every buffer. The pointers are good during the run only.
@safe // offsets come from the plan, which laid them out inside the arenas
package struct OpCall {
    /// The memory of a run.
    struct Memory {
        let values: Arena
        let threads: Arena
        /// The recurrent states, and the steps of each item.
        let states: Arena
        let steps: StepCounts
        /// Floats of each thread, and how many of them are values.
        let floatsPerThread: Int
        let valuesPerThread: Int
        /// The floats of one item's state.
        let statePerItem: Int
        /// Items in the run.
        let batch: Int
    }

    /// The items of the run that a call works on, by how many threads; `thread`'s memory holds the values that are
    /// not in the batch's.
    struct Part {
        let items: Range<Int>
        let thread: Int
        let threads: Int
    }

    let step: Step
    private let memory: Memory
    private let part: Part

    init(_ step: Step, memory: Memory, part: Part) {
        self.step = step
        self.memory = memory
        self.part = part
    }

    /// Items that the call works on.
    package var batch: Int { part.items.count }

    /// How many threads work on it.
    var threads: Int { part.threads }

    /// The shape of one item of an input.
    func inputShape(_ index: Int = 0) -> Shape { step.inputShapes[index] }

    /// The shape of one item of the output.
    var outputShape: Shape { step.outputShape }

    /// The floats of one item of an input.
    func inputCount(_ index: Int = 0) -> Int { step.inputCounts[index] }

    /// The floats of one item of the output.
    var outputCount: Int { step.outputCount }

    /// How many inputs there are.
    var inputs: Int { step.inputs.count }

    /// An item of an input.
    func input(_ index: Int = 0, item: Int) -> UnsafePointer<Float> {
        unsafe UnsafePointer(pointer(to: step.inputs[index], item: item))
    }

    /// An item of the output.
    func output(item: Int) -> UnsafeMutablePointer<Float> {
        unsafe pointer(to: step.output, item: item)
    }

    /// How many steps of the first input an item has, where items are sequences: at most the first dimension there, which
    /// is 1 behind an operation that made one row of them.
    func steps(item: Int) -> Int { min(memory.steps[part.items.lowerBound + item], step.inputShapes[0][0]) }

    /// What the operation keeps of an item from one run to the next.
    func state(item: Int) -> UnsafeMutablePointer<Float> {
        let start = (part.items.lowerBound + item) * memory.statePerItem + step.stateOffset
        return unsafe memory.states.base + start
    }

    /// Calls `body` with each stretch of `rows` that holds steps of items: row `r` is step `r % rowsPerItem` of item
    /// `r / rowsPerItem`.
    func forEachStretch(of rows: Range<Int>, rowsPerItem: Int, _ body: (Range<Int>) -> Void) {
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
    func inputStride(_ index: Int = 0) -> Int { step.inputs[index].stride }

    /// The floats from one item of the output to the next, where there are several.
    var outputStride: Int { step.output.stride }

    /// A trained array, by its place in `parameters`.
    func weight(_ index: Int) -> UnsafePointer<Float> { unsafe step.weights[index].address }

    /// The scratch of all items, `batch` times what the operation asked for.
    var scratch: UnsafeMutablePointer<Float> {
        guard let scratch = step.scratch else { preconditionFailure("\(step.name) asked for no scratch") }
        return unsafe pointer(to: scratch, item: 0)
    }

    /// The scratch of a thread.
    func scratch(of thread: Int) -> UnsafeMutablePointer<Float> {
        unsafe memory.threads.base + thread * memory.floatsPerThread + memory.valuesPerThread
    }

    private func pointer(to place: PlacedBuffers.Place, item: Int) -> UnsafeMutablePointer<Float> {
        if place.isOfThread {
            let start = part.thread * memory.floatsPerThread + place.offset
            return unsafe memory.threads.base + start + place.inner
        }
        let start = place.offset * memory.batch + (part.items.lowerBound + item) * place.stride
        return unsafe memory.values.base + start + place.inner
    }

    /// Runs all phases of the operation on this thread alone.
    func run() {
        for phase in 0..<step.op.phases {
            for index in 0..<step.op.taskCount(phase: phase, of: self) {
                step.op.run(OpTask(phase: phase, index: index, thread: part.thread), of: self)
            }
        }
    }

    /// Runs all phases of the operation on the pool.
    func run(on pool: WorkerPool) {
        for phase in 0..<step.op.phases {
            var job = Job(call: self, phase: phase)
            let tasks = step.op.taskCount(phase: phase, of: self)
            unsafe withUnsafeMutablePointer(to: &job) { job in
                unsafe pool.run(tasks, context: job) { context, index, thread in
                    let job = unsafe context.assumingMemoryBound(to: Job.self)
                    let task = unsafe OpTask(phase: job.pointee.phase, index: index, thread: thread)
                    unsafe job.pointee.call.step.op.run(task, of: job.pointee.call)
                }
            }
        }
    }

    private struct Job {
        let call: OpCall
        let phase: Int
    }
}

/// A division of `count` things into chunks of one size (the last may be smaller).
struct Chunks {
    let total: Int
    let size: Int

    /// - Parameters:
    ///   - total: how many things there are.
    ///   - size: how many a chunk has at most.
    init(_ total: Int, of size: Int) {
        self.total = total
        self.size = max(1, size)
    }

    /// As few chunks as there can be, of nearly the same size.
    init(evenly total: Int, ofAtMost size: Int) {
        let count = max(1, (total + size - 1) / size)
        self.init(total, of: (total + count - 1) / count)
    }

    /// How many chunks there are.
    var count: Int { (total + size - 1) / size }

    /// The things of a chunk.
    subscript(index: Int) -> Range<Int> { index * size..<min(total, (index + 1) * size) }
}

/// The chunk of elements that one task of an elementwise operation takes; below it threads cost more than they save.
let elementsPerTask = 32_768
