internal import Platform

/// Work on many things, several at a time and a few ahead, whose results come in order: as much is held as is ahead.
enum OrderedWork {
    private struct State<Input: Sendable, Output: Sendable> {
        var waiting: [(number: Int, input: Input)] = []
        var done: [Int: Output] = [:]
        var isClosed = false
    }

    /// Works until there is nothing more, or something throws.
    ///
    /// - Parameters:
    ///   - threads: how many work at a time.
    ///   - isReady: whether `next` need not be waited for; where it must be, results are taken first.
    ///   - next: called here for each thing to work on; nil ends it.
    ///   - work: called on those threads.
    ///   - take: called here with each result, in the order of the things.
    /// - Throws: what `next` and `take` throw, and `SystemError` when the system has no thread left to give.
    static func run<Input: Sendable, Output: Sendable>(
        threads: Int,
        isReady: () -> Bool = { true },
        next: () throws -> Input?,
        work: @escaping @Sendable (Input) -> Output,
        take: (Output) throws -> Void
    ) throws {
        let state = Monitor(State<Input, Output>())
        let group = ThreadGroup()
        defer {
            state.signal { $0.isClosed = true }
            group.join()
        }
        for number in 0..<threads {
            try group.start(name: "work-\(number)") { serve(state, work) }
        }
        var (given, taken, hasMore) = (0, 0, true)
        while true {
            while hasMore, given == taken || given - taken <= threads && isReady() {
                guard let input = try next() else {
                    hasMore = false
                    break
                }
                state.signal { $0.waiting.append((given, input)) }
                given += 1
            }
            guard taken < given, let output = state.wait(for: { $0.done.removeValue(forKey: taken) })
            else { return }
            try take(output)
            taken += 1
        }
    }

    private static func serve<Input: Sendable, Output: Sendable>(
        _ state: Monitor<State<Input, Output>>,
        _ work: @Sendable (Input) -> Output
    ) {
        while true {
            let next = state.wait { state -> (number: Int, input: Input)?? in
                if state.isClosed { return .some(nil) }
                return state.waiting.isEmpty ? nil : .some(state.waiting.removeFirst())
            }
            guard let next = next ?? nil else { return }
            let output = work(next.input)
            state.signal { $0.done[next.number] = output }
        }
    }
}
