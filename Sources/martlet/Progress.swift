internal import Platform
internal import Synchronization

/// How far long work has come, on standard error: what it is, how much of it is done, how fast it goes and how long it takes yet.
///
/// On a terminal that is one line, drawn anew as it changes by a thread of its own, so that counting costs the work
/// nothing; it goes when the work is done, and when Ctrl-C ends it. Elsewhere it is a whole line twice a minute. Work of
/// less than half a second shows nothing.
///
///     let progress = Progress("pulling model.safetensors", of: size, in: .bytes, done: resumedAt)
///     progress.advance(by: chunk.count)
///     progress.finish()
final class Progress: Sendable {
    /// What is counted.
    enum Unit: Sendable, Equatable {
        /// Things with a name, such as `images`.
        case items(String)
        case bytes
    }

    private struct State {
        var line: ProgressLine
        /// What was done in the last seconds.
        var pace: Pace
        var isOver = false
    }

    /// What is on the terminal; its lock is held while it is written to, so that nothing is drawn over what follows.
    private struct Screen {
        var isDrawn = false
        var isClosed = false
    }

    /// What the thread has of it: not the object itself, so that this can go before the thread ends.
    private final class Shared: Sendable {
        let terminal: Terminal
        let state: Monitor<State>
        let screen = Mutex(Screen())

        init(terminal: Terminal, line: ProgressLine) {
            self.terminal = terminal
            state = Monitor(State(line: line, pace: Pace(from: line.done, at: .now)))
        }

        /// Draws until the work is over.
        func draw() {
            var pause = terminal.isLive ? Duration.milliseconds(500) : .seconds(30)
            while state.wait(until: .now + pause, for: { $0.isOver ? true : nil }) == nil {
                if terminal.isLive { pause = .milliseconds(100) }
                let line = state.withLock { state in
                    state.line.rate = state.pace.rate(done: state.line.done, at: .now)
                    return state.line
                }
                show(line)
            }
        }

        private func show(_ line: ProgressLine) {
            screen.withLock { screen in
                guard !screen.isClosed else { return }
                if terminal.isLive {
                    screen.isDrawn = true
                    let text = line.text(columns: terminal.columns)
                    terminal.stream.write(text: Terminal.clearedLine + text)
                } else {
                    terminal.stream.writeLine("martlet: \(line.sentence)")
                }
            }
        }

        /// Clears the line; with `closing`, for good.
        func clear(closing: Bool) {
            screen.withLock { screen in
                if screen.isDrawn { terminal.stream.write(text: Terminal.clearedLine) }
                screen = Screen(isClosed: closing || screen.isClosed)
            }
        }
    }

    private let shared: Shared
    private let interrupt: Interrupts.Action

    /// Begins to count.
    ///
    /// - Parameters:
    ///   - label: what is done, such as `evaluating digits`.
    ///   - total: how much there is; nil when nobody knows.
    ///   - unit: what is counted.
    ///   - done: how much was done before, and says nothing about how fast it goes.
    ///   - isShown: false shows nothing, where the result of the work goes to the same terminal meanwhile.
    init(
        _ label: String,
        of total: Int? = nil,
        in unit: Unit = .items(""),
        done: Int = 0,
        isShown: Bool = true
    ) {
        let line = ProgressLine(label: label, unit: unit, done: done, total: total)
        let shared = Shared(terminal: Terminal(.error), line: line)
        self.shared = shared
        interrupt = Interrupts.act { _ in
            shared.clear(closing: true)
            return false
        }
        // Without a thread it is not shown, and the work goes on.
        if isShown { _ = try? Thread(name: "progress") { shared.draw() } }
    }

    deinit { finish() }

    /// Counts what was done since.
    func advance(by count: Int = 1) { shared.state.withLock { $0.line.done += count } }

    /// Says what is done now, and how much of it there is.
    func relabel(_ label: String, of total: Int? = nil) {
        shared.state.withLock { state in
            state.line.label = label
            state.line.total = total ?? state.line.total
        }
    }

    /// Writes a line above, as for a file that was passed over.
    func note(_ line: String) {
        shared.clear(closing: false)
        shared.terminal.stream.writeLine(line)
    }

    /// Ends the counting and clears the line; what is written next stands in its place.
    func finish() {
        shared.state.signal { $0.isOver = true }
        shared.clear(closing: true)
    }
}

/// How fast something was done in the last seconds, which says more about the next than all that went before.
struct Pace: Sendable {
    private static let window = Duration.seconds(8)
    private static let mostMarks = 16

    private var marks: [(done: Int, time: ContinuousClock.Instant)]

    init(from done: Int, at now: ContinuousClock.Instant) {
        marks = [(done, now)]
    }

    /// How much a second since the oldest mark of the window; nil when nothing was done.
    mutating func rate(done: Int, at now: ContinuousClock.Instant) -> Double? {
        let oldest = marks[0]
        if let last = marks.last, now - last.time >= Self.window / Self.mostMarks {
            marks.append((done, now))
        }
        if marks.count > 2, now - marks[1].time >= Self.window { marks.removeFirst() }
        let seconds = (now - oldest.time) / .seconds(1)
        return done > oldest.done && seconds > 0 ? Double(done - oldest.done) / seconds : nil
    }
}
