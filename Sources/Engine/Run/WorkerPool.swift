internal import CKernels
internal import Synchronization

/// The threads that run the tasks of one job at a time, together with the thread that asks.
///
/// Which thread takes which task is left to chance, so tasks must not depend on it.
@safe // the handle is created in init and destroyed in deinit
package final class WorkerPool: Sendable {
    /// How many threads work, the caller included.
    package let threads: Int
    private nonisolated(unsafe) let handle: OpaquePointer // immutable; kernel_pool synchronises itself
    private let isBusy = Atomic(false)

    /// Starts `threads` − 1 threads, and loads OpenBLAS for the tasks.
    ///
    /// - Precondition: `threads` is positive, the system can start them, and OpenBLAS is installed.
    package init(threads: Int) {
        precondition(threads > 0, "a pool of \(threads) threads")
        if let problem = OpenBLAS.problem {
            fatalError("cannot load OpenBLAS: \(problem); \(OpenBLAS.remedy)")
        }
        guard let handle = unsafe kernel_pool_create(threads) else {
            preconditionFailure(
                "cannot start \(threads - 1) threads: the system has no memory or thread left"
            )
        }
        unsafe self.handle = handle
        self.threads = threads
    }

    deinit { unsafe kernel_pool_destroy(handle) }

    /// Runs `body` for every task in 0 ..< `tasks` and returns when all are done.
    ///
    /// - Precondition: no other job is running on this pool.
    package func parallel(_ tasks: Int, _ body: (_ task: Int, _ thread: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            var body = body
            unsafe withUnsafeMutablePointer(to: &body) { pointer in
                unsafe run(tasks, context: pointer) { context, task, thread in
                    unsafe context.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(task, thread)
                }
            }
        }
    }

    /// `parallel` for a function without captures, which allocates nothing.
    func run(_ tasks: Int, context: UnsafeMutableRawPointer, _ task: @escaping kernel_task) {
        let wasBusy = isBusy.exchange(true, ordering: .acquiring)
        precondition(!wasBusy, "a job was started while another was running on the pool")
        unsafe kernel_pool_run(handle, max(0, tasks), task, context)
        isBusy.store(false, ordering: .releasing)
    }
}

extension WorkerPool {
    /// The multiply-adds a second that the threads reach together when nothing comes from memory: what no kernel can
    /// exceed, except one that needs fewer of them than its operation's definition (Winograd's).
    ///
    /// The best of some runs of about a millisecond, because another process may take a core for a while.
    package func measuredPeak() -> Double {
        let (runs, tasks, count) = (20, 8 * threads, 1 << 22)
        let clock = ContinuousClock()
        let fastest = (0..<runs).map { _ in
            clock.measure {
                parallel(tasks) { _, _ in
                    let number = kernel_multiply_adds(count)
                    precondition(number > 0, "sums of positive numbers came to \(number)")
                }
            }
        }.min()
        return Double(tasks * count) / ((fastest ?? .zero) / .seconds(1))
    }
}

/// The library of matrix products, which is loaded when the first pool is made.
package enum OpenBLAS {
    /// Why it cannot be loaded; nil when it can.
    package static var problem: String? {
        unsafe kernel_load_blas().map { unsafe String(cString: $0) }
    }

    /// What to do then.
    package static let remedy = "install libopenblas0 (apt-get install libopenblas-dev)"
}
