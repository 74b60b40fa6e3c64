internal import Hub
internal import Platform

/// What a person sees of a pull while it goes on, and when it is stopped.
final class PullDisplay {
    private var progress: Progress?
    private let isShown: Bool
    private let interrupt: Interrupts.Action

    init(isShown: Bool) {
        self.isShown = isShown
        interrupt = Interrupts.act { _ in
            StandardStream.error.writeLine("martlet: stopped; run the command again to go on where it was")
            return false
        }
    }

    func show(_ event: PullEvent) {
        switch event {
        case .began(let name, let bytes, let have):
            progress?.finish()
            progress = Progress("pulling \(name)", of: bytes, in: .bytes, done: have, isShown: isShown)
        case .received(let count): progress?.advance(by: count)
        case .checking(let name): progress?.relabel("checking \(name)")
        case .waiting(let duration, let reason):
            let seconds = max(1, duration.components.seconds)
            let line = "martlet: \(reason) (trying again in \(seconds) s)"
            if let progress { progress.note(line) } else { StandardStream.error.writeLine(line) }
        }
    }

    /// Ends the line of the last file.
    func finish() { progress?.finish() }

    /// Waits as a pull is to wait before it tries again.
    func wait(_ duration: Duration) -> Bool {
        let clock = Monitor(())
        _ = clock.wait(until: .now + duration) { _ in Bool?.none }
        return true
    }
}
