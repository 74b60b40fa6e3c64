import Glibc

/// What a supervisor or a person wants of the process, heard from the moment of creation: that it ends, or loads again.
///
/// Until `deferToWait` is called there is nothing to finish, so the first wish to end ends the process, with status 0.
/// Afterwards it is handed to who waits, and the second ends the process at once: who asks twice does not want to wait.
package final class Termination: Sendable {
    /// What is wanted.
    package enum Wish: Sendable, Equatable {
        /// To end, by the signal of this number.
        case end(Int32)
        /// To load again what has changed; wishes that nobody has taken yet are one.
        case reload
    }

    private struct State {
        var isDeferred = false
        var signal: Int32?
        var wantsReload = false
    }

    private let state = Monitor(State())

    /// Blocks the signals and starts to listen; create it before any other thread.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init() throws(SystemError) {
        let signals = Signals(Signals.termination + [SIGHUP])
        let state = state
        _ = try Thread(name: "signals") {
            while true {
                let signal = signals.wait()
                guard signal != SIGHUP else {
                    state.signal { $0.wantsReload = true }
                    continue
                }
                let (isDeferred, isSecond) = state.signal { state in
                    defer { state.signal = signal }
                    return (state.isDeferred, state.signal != nil)
                }
                if !isDeferred { ProcessEnd.immediately(status: 0) }
                if isSecond { ProcessEnd.immediately(status: 128 + signal) }
            }
        }
    }

    /// From now on there is something to finish: the first signal to end is for `wait`.
    package func deferToWait() { state.withLock { $0.isDeferred = true } }

    /// Waits for the next wish; that to end comes before others.
    package func wait() -> Wish {
        while true {
            let wish = state.wait { state -> Wish? in
                if let signal = state.signal { return .end(signal) }
                guard state.wantsReload else { return nil }
                state.wantsReload = false
                return .reload
            }
            if let wish { return wish }
        }
    }
}
