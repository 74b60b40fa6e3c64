internal import CKernels

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
