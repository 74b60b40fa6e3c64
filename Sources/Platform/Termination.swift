/// The wish of a supervisor or a person that the process ends, heard from the moment of creation.
///
/// Until `deferToWait` is called there is nothing to finish, so the first signal ends the process, with status 0. Afterwards
/// the first is handed to who waits, and the second ends the process at once: who asks twice does not want to wait.
package final class Termination: Sendable {
    private struct State {
        var isDeferred = false
        var signal: Int32?
    }

    private let state = Monitor(State())

    /// Blocks the signals and starts to listen; create it before any other thread.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init() throws(SystemError) {
        let signals = Signals(Signals.termination)
        let state = state
        _ = try Thread(name: "signals") {
            let first = signals.wait()
            let isDeferred = state.signal { state in
                state.signal = first
                return state.isDeferred
            }
            guard isDeferred else { ProcessEnd.immediately(status: 0) }
            ProcessEnd.immediately(status: 128 + signals.wait())
        }
    }

    /// From now on there is something to finish: the first signal is for `wait`.
    package func deferToWait() { state.withLock { $0.isDeferred = true } }

    /// Waits for the first signal and returns its number.
    package func wait() -> Int32 {
        while true {
            if let signal = state.wait(for: \.signal) { return signal }
        }
    }
}
