import Glibc
internal import Synchronization

/// The signals by which a person or a supervisor ends a command, and what is put in order before it ends.
///
/// A signal is heard by a thread and not by a handler, so what is done about it may be anything. The process then ends
/// by that very signal, as if nobody had listened: a shell sees that its user pressed Ctrl-C. Signals belong to the process,
/// and so does the list of what is to be done.
package enum Interrupts {
    /// Something that is done at a signal, for as long as this value lives.
    package struct Action: ~Copyable, Sendable {
        fileprivate let number: Int

        deinit { Interrupts.actions.withLock { actions in actions.removeAll { $0.number == number } } }
    }

    /// What Ctrl-C sends.
    package static let keyboard = SIGINT

    private struct Entry {
        let number: Int
        let body: @Sendable (Int32) -> Bool
    }

    private static let actions = Mutex<[Entry]>([])
    /// Held while something is done that is done whole, and while the process is ended.
    private static let ending = Mutex(())

    /// Begins to listen; called once, before any other thread is made.
    ///
    /// A signal that is ignored stays so: `nohup` and a shell's `&` mean it.
    /// - Throws: `SystemError` when the system has no thread left to give.
    package static func listen() throws(SystemError) {
        let heard = [SIGINT, SIGTERM, SIGHUP].filter { !isIgnored($0) }
        guard !heard.isEmpty else { return }
        let signals = Signals(heard, brokenPipesEnd: true)
        _ = try Thread(name: "signals") {
            while true { take(signals.wait()) }
        }
    }

    /// Has something done at every signal, before what was asked for earlier.
    ///
    /// - Parameter body: is given the signal's number on a thread of its own; true means that this was all that the signal
    ///   was to do, and the process goes on.
    /// - Returns: what withdraws it when it is let go.
    package static func act(_ body: @escaping @Sendable (Int32) -> Bool) -> Action {
        actions.withLock { actions in
            let number = (actions.last?.number ?? 0) + 1
            actions.append(Entry(number: number, body: body))
            return Action(number: number)
        }
    }

    /// Does something that no signal which is listened to ends halfway; it should not take long.
    ///
    /// - Throws: what `body` throws.
    static func finishing<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        try ending.withLock { (_: inout ()) throws(Failure) in try body() }
    }

    private static func take(_ number: Int32) {
        for entry in actions.withLock({ $0 }).reversed() {
            if entry.body(number) { return }
        }
        _ = signal(number, SIG_DFL)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        ending.withLock { _ in _ = raise(number) }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
