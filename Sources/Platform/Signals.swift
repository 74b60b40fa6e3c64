import Glibc

/// The signals that ask the process for something, taken one by one by a thread that waits for them.
///
/// Create it on the main thread before any other thread: threads inherit the mask, so that no signal
/// interrupts one of them. SIGPIPE is ignored from then on, unless it is to end the process; a write to a closed connection is an error instead.
@safe // the set is written in init and only read afterwards
package struct Signals {
    /// What a supervisor and a terminal send to end a process.
    package static let termination = [SIGTERM, SIGINT]

    private var set = sigset_t()

    /// Blocks `signals` for this thread and all that it starts.
    ///
    /// - Parameters:
    ///   - signals: their numbers.
    ///   - brokenPipesEnd: whether SIGPIPE stays as it is, for a command whose reader may have seen enough.
    package init(_ signals: [Int32] = Signals.termination, brokenPipesEnd: Bool = false) {
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        if !brokenPipesEnd { _ = signal(SIGPIPE, SIG_IGN) }
    }

    /// Waits for the next signal.
    package func wait() -> Int32 {
        while true {
            if let signal = wait(timeout: nil) { return signal }
        }
    }

    /// Waits for the next signal, but not longer than `timeout`.
    ///
    /// - Returns: its number, or nil when the time was over first.
    package func wait(timeout: Duration?) -> Int32? {
        var set = set
        guard let timeout else {
            let number = unsafe sigwaitinfo(&set, nil)
            return number > 0 ? number : nil
        }
        let (seconds, attoseconds) = max(timeout, .zero).components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        let number = unsafe sigtimedwait(&set, nil, &time)
        return number > 0 ? number : nil
    }
}
