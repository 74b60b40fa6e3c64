internal import Graphs

/// One run of a plan: who works on what.
///
/// Up to the plan's split each thread owns whole items, as long as there is one for every thread; the threads share
/// the items that are left over, and every step after the split. Who computes a number never changes it.
struct PlanRun {
    let plan: Plan
    let memory: OpCall.Memory
    let pool: WorkerPool
    /// How many threads work: all of the pool's, or the caller's alone.
    let threads: Int

    /// Items that a thread takes before the run asks whether to go on.
    private static let itemsPerRound = 2

    func run(while shouldContinue: () -> Bool) -> Bool {
        let owned = plan.split > 0 ? memory.batch / threads * threads : 0
        if threads > 1 {
            let round = threads * Self.itemsPerRound
            for first in stride(from: 0, to: owned, by: round) {
                guard shouldContinue() else { return false }
                runItems(first..<min(owned, first + round))
            }
        }
        for item in (threads > 1 ? owned : 0)..<(plan.split > 0 ? memory.batch : 0) {
            guard run(plan.steps[..<plan.split], items: item..<(item + 1), while: shouldContinue) else {
                return false
            }
        }
        return run(plan.steps[plan.split...], items: 0..<memory.batch, while: shouldContinue)
    }

    /// Runs one step on all threads, item by item before the split; its inputs are what is left from other runs.
    func runStep(_ index: Int) {
        let items = 0..<memory.batch
        let parts = index < plan.split ? items.map { $0..<($0 + 1) } : [items]
        for part in parts {
            let part = OpCall.Part(items: part, thread: 0, threads: threads)
            run(OpCall(plan.steps[index], memory: memory, part: part))
        }
    }

    /// Runs steps one after another, each on all threads.
    private func run(_ steps: ArraySlice<Step>, items: Range<Int>, while shouldContinue: () -> Bool) -> Bool {
        let part = OpCall.Part(items: items, thread: 0, threads: threads)
        for step in steps {
            guard shouldContinue() else { return false }
            run(OpCall(step, memory: memory, part: part))
        }
        return true
    }

    private func run(_ call: OpCall) {
        if threads > 1 { call.run(on: pool) } else { call.run() }
    }

    /// Runs the steps before the split on some items, each on one thread.
    private func runItems(_ items: Range<Int>) {
        var job = (run: self, first: items.lowerBound)
        unsafe withUnsafeMutablePointer(to: &job) { job in
            unsafe pool.run(items.count, context: job) { context, index, thread in
                let job = unsafe context.assumingMemoryBound(to: (run: PlanRun, first: Int).self)
                let item = unsafe job.pointee.first + index
                unsafe job.pointee.run.runItem(item, on: thread)
            }
        }
    }

    private func runItem(_ item: Int, on thread: Int) {
        let part = OpCall.Part(items: item..<(item + 1), thread: thread, threads: 1)
        for step in plan.steps[..<plan.split] { OpCall(step, memory: memory, part: part).run() }
    }
}

extension OpCall {
    /// Runs all phases of the operation on the pool.
    fileprivate func run(on pool: WorkerPool) {
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
