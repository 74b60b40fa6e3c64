internal import CKernels

/// One operation at work: what it reads, where it writes, for how many items.
///
/// Items lie one behind the other in every buffer. The pointers are good during the run only.
@safe // offsets come from the plan, which laid them out inside the arena
package struct OpCall {
    let step: Step
    /// Items in this run.
    package let batch: Int
    private let base: UnsafeMutablePointer<Float>
    private let threadScratch: UnsafeMutablePointer<Float>
    private let threadScratchCount: Int

    init(_ step: Step, batch: Int, memory: Arena, threadMemory: Arena, threadScratchCount: Int) {
        self.step = step
        self.batch = batch
        unsafe base = memory.base
        unsafe threadScratch = threadMemory.base
        self.threadScratchCount = threadScratchCount
    }

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
        unsafe UnsafePointer(base + step.inputs[index] * batch + item * step.inputCounts[index])
    }

    /// An item of the output.
    func output(item: Int) -> UnsafeMutablePointer<Float> {
        unsafe base + step.output * batch + item * step.outputCount
    }

    /// A trained array, by its place in `parameters`.
    func weight(_ index: Int) -> UnsafePointer<Float> { unsafe step.weights[index].address }

    /// The scratch of all items, `batch` times what the operation asked for.
    var scratch: UnsafeMutablePointer<Float> { unsafe base + step.scratch * batch }

    /// The scratch of a thread.
    func scratch(of thread: Int) -> UnsafeMutablePointer<Float> {
        unsafe threadScratch + thread * threadScratchCount
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

    /// How many chunks there are.
    var count: Int { (total + size - 1) / size }

    /// The things of a chunk.
    subscript(index: Int) -> Range<Int> { index * size..<min(total, (index + 1) * size) }
}

/// The chunk of elements that one task of an elementwise operation takes; below it threads cost more than they save.
let elementsPerTask = 32_768
