import Glibc

/// A value with the lock that guards it and a condition to wait on.
///
/// Hold the lock for assignments only: never across I/O, a kernel or a callback.
@safe // the mutex and the condition live as long as the object
package final class Monitor<State>: @unchecked Sendable { // @unchecked: state is only touched under the mutex
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init(_ state: sending State) {
        self.state = state
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with exclusive access to the state.
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the state and wakes every thread that waits on it.
    package func signal<Result>(_ body: (inout State) -> Result) -> Result {
        defer { unsafe pthread_cond_broadcast(condition) }
        return withLock(body)
    }

    /// Wakes every thread that waits, after a change under `withLock`.
    package func wake() { unsafe pthread_cond_broadcast(condition) }

    /// Wakes one thread that waits, after a change under `withLock`.
    package func wakeOne() { unsafe pthread_cond_signal(condition) }

    /// Changes the state and wakes one thread that waits on it.
    ///
    /// Only right when every waiting thread waits for the same thing.
    package func signalOne<Result>(_ body: (inout State) -> Result) -> Result {
        defer { unsafe pthread_cond_signal(condition) }
        return withLock(body)
    }

    /// Waits until `body` returns a value, calling it after each signal.
    ///
    /// - Parameters:
    ///   - deadline: when to give up; `nil` waits for ever.
    ///   - body: reads or changes the state; returns nil to go on waiting.
    /// - Returns: the value, or nil when the deadline passed first.
    package func wait<Result>(
        until deadline: ContinuousClock.Instant? = nil,
        for body: (inout State) -> Result?
    ) -> Result? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            guard let deadline else {
                unsafe pthread_cond_wait(condition, mutex)
                continue
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return nil }
            var time = Self.monotonicTime(after: left)
            unsafe pthread_cond_timedwait(condition, mutex, &time)
        }
    }

    private static func monotonicTime(after duration: Duration) -> timespec {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = duration.components
        let nanoseconds = time.tv_nsec + Int(attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: time.tv_sec + Int(seconds) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000
        )
    }
}
