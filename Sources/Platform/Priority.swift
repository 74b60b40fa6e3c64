import Glibc

/// How much of the processors the calling thread gets beside others.
package enum Priority {
    /// Gives way to threads that somebody waits for, without a way back; threads that it starts do so too.
    ///
    /// - Source: setpriority(2), which on Linux means the calling thread alone.
    package static func lower() {
        // A thread that may not give way goes on as it is.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    }
}
