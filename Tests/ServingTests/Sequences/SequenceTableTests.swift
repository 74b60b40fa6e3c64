import Engine
import Tasks
import Testing

struct SequenceTableTests {
    private typealias Fault = SequenceTable.Fault

    private let begin = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { begin + .seconds(seconds) }

    private func key(_ id: String, model: String = "m", version: String = "1") -> SequenceTable.Key {
        SequenceTable.Key(model: model, version: version, id: id)
    }

    /// A table with room for 2 sequences, each kept for 10 seconds.
    private func table() -> SequenceTable { SequenceTable(capacity: 2, timeToLive: .seconds(10)) }

    /// Starts a sequence and leaves it in a state.
    private func start(_ id: String, _ state: [Float], _ table: inout SequenceTable, at second: Int = 0)
        throws
    {
        _ = try table.begin(key(id), start: [], now: at(second))
        table.finish(key(id), state: state, now: at(second))
    }

    @Test func `goes on where the request before ended, and starts at zeros`() throws {
        var table = table()
        #expect(try table.begin(key("a"), start: [], now: at(0)) == [])
        table.finish(key("a"), state: [1], now: at(0))
        #expect(try table.begin(key("a"), start: nil, now: at(1)) == [1])
        table.finish(key("a"), state: [2], now: at(1))
        #expect(try table.begin(key("a"), start: [], now: at(2)) == [])
        table.finish(key("a"), state: [3], now: at(2))
        #expect(try table.begin(key("a"), start: [7], now: at(3)) == [7])
        table.finish(key("a"), state: nil, now: at(3))
        #expect(throws: Fault.unknown) { try table.begin(key("a"), start: nil, now: at(3)) }
        #expect(table.counts.started == 3)
        #expect(table.counts.ended == 1)
    }

    @Test func `keeps models, versions and names apart`() throws {
        var table = SequenceTable(capacity: 9, timeToLive: .seconds(10))
        try start("a", [1], &table)
        for other in [key("b"), key("a", model: "n"), key("a", version: "2")] {
            #expect(throws: Fault.unknown) { try table.begin(other, start: nil, now: at(0)) }
        }
    }

    @Test func `a state is of no use to other weights, and its client learns why`() throws {
        var table = table()
        _ = try table.begin(key("a"), weights: [1], start: [], now: at(0))
        table.finish(key("a"), state: [5], now: at(0))
        #expect(try table.begin(key("a"), weights: [1], start: nil, now: at(1)) == [5])
        table.finish(key("a"), state: [6], now: at(1))
        for second in 2...3 {
            #expect(throws: Fault.replaced) {
                try table.begin(key("a"), weights: [2], start: nil, now: at(second))
            }
        }
        #expect(try table.begin(key("a"), weights: [2], start: [], now: at(4)) == [])
        table.finish(key("a"), state: [7], now: at(4))
        // A start with other weights that fails leaves nothing of those before.
        _ = try table.begin(key("a"), weights: [3], start: [], now: at(5))
        table.abandon(key("a"), now: at(5))
        #expect(throws: Fault.unknown) { try table.begin(key("a"), weights: [3], start: nil, now: at(6)) }
        #expect(table.count == 0)
    }

    @Test func `one request at a time`() throws {
        var table = table()
        _ = try table.begin(key("a"), start: [], now: at(0))
        #expect(throws: Fault.busy) { try table.begin(key("a"), start: nil, now: at(0)) }
        #expect(throws: Fault.busy) { try table.begin(key("a"), start: [], now: at(0)) }
        #expect(throws: Fault.busy) { try table.remove(key("a"), now: at(0)) }
        table.finish(key("a"), state: [1], now: at(0))
        #expect(try table.begin(key("a"), start: nil, now: at(0)) == [1])
        #expect(table.counts.conflicts == 3)
    }

    @Test func `a request that fails changes nothing`() throws {
        var table = table()
        _ = try table.begin(key("a"), start: [], now: at(0))
        table.abandon(key("a"), now: at(0))
        #expect(table.count == 0)
        try start("a", [1], &table)
        for restart in [nil, []] as [[Float]?] {
            _ = try table.begin(key("a"), start: restart, now: at(1))
            table.abandon(key("a"), now: at(1))
        }
        #expect(try table.begin(key("a"), start: nil, now: at(2)) == [1])
    }

    @Test func `forgets what was not used for its time to live, and says so`() throws {
        var table = table()
        try start("a", [1], &table, at: 0)
        try start("b", [2], &table, at: 5)
        _ = try table.begin(key("b"), start: nil, now: at(9))
        table.expire(now: at(10))
        #expect(table.count == 1)
        #expect(throws: Fault.expired) { try table.begin(key("a"), start: nil, now: at(10)) }
        #expect(throws: Fault.expired) { try table.remove(key("a"), now: at(10)) }
        // One that is worked on stays, however long that takes, and lives from its end.
        table.expire(now: at(100))
        table.finish(key("b"), state: [3], now: at(100))
        #expect(try table.begin(key("b"), start: nil, now: at(109)) == [3])
        #expect(table.counts.expired == 1)
        // Started again it is like any other.
        try start("a", [4], &table, at: 110)
        #expect(try table.begin(key("a"), start: nil, now: at(111)) == [4])
    }

    @Test func `makes room by the one that was not used for longest`() throws {
        var table = table()
        try start("a", [1], &table, at: 0)
        try start("b", [2], &table, at: 1)
        _ = try table.begin(key("a"), start: nil, now: at(2))
        table.finish(key("a"), state: [3], now: at(2))
        try start("c", [4], &table, at: 3)
        #expect(throws: Fault.evicted) { try table.begin(key("b"), start: nil, now: at(3)) }
        #expect(try table.begin(key("a"), start: nil, now: at(3)) == [3])
        #expect(try table.begin(key("c"), start: nil, now: at(3)) == [4])
        #expect(throws: Fault.full) { try table.begin(key("d"), start: [], now: at(3)) }
        table.finish(key("c"), state: [5], now: at(4))
        try start("d", [6], &table, at: 4)
        #expect(throws: Fault.evicted) { try table.begin(key("c"), start: nil, now: at(4)) }
        #expect(table.counts.evicted == 2)
    }

    @Test func `a start that fails costs no other sequence`() throws {
        var table = table()
        try start("a", [1], &table)
        try start("b", [2], &table)
        _ = try table.begin(key("c"), start: [], now: at(1))
        #expect(table.count == 2)
        table.abandon(key("c"), now: at(1))
        #expect(table.count == 2)
        for (id, state) in [("a", 1), ("b", 2)] as [(String, Float)] {
            #expect(try table.begin(key(id), start: nil, now: at(2)) == [state])
        }
        #expect(table.counts.evicted == 0)
    }

    @Test func `comes back to its bound when all are worked on at once`() throws {
        var table = table()
        try start("a", [1], &table)
        try start("b", [2], &table)
        _ = try table.begin(key("c"), start: [], now: at(1))
        for id in ["a", "b"] { _ = try table.begin(key(id), start: nil, now: at(1)) }
        table.finish(key("c"), state: [3], now: at(1))
        #expect(table.count == 3)
        table.finish(key("a"), state: [4], now: at(2))
        #expect(table.count == 2)
        #expect(throws: Fault.evicted) { try table.begin(key("c"), start: nil, now: at(2)) }
        table.finish(key("b"), state: nil, now: at(2))
        #expect(try table.begin(key("a"), start: nil, now: at(2)) == [4])
    }

    @Test func `remembers a bounded number of those that it forgot`() throws {
        var table = table()
        for index in 0..<6 { try start("\(index)", [1], &table, at: index) }
        let faults = (0..<4).map { index -> Fault? in
            do throws(Fault) {
                _ = try table.begin(key("\(index)"), start: nil, now: at(6))
                return nil
            } catch {
                return error
            }
        }
        #expect(faults == [.unknown, .unknown, .evicted, .evicted])
    }

    @Test func `removes what its client no longer wants`() throws {
        var table = table()
        try start("a", [1], &table)
        try table.remove(key("a"), now: at(0))
        #expect(throws: Fault.unknown) { try table.remove(key("a"), now: at(0)) }
        #expect(table.count == 0)
    }

    @Test func `behaves as a table that scans everything, in 20 000 random steps`() throws {
        var table = SequenceTable(capacity: 5, timeToLive: .seconds(10))
        var model: [String: (state: Float, used: Int)] = [:] // the naive table
        var random = SplitMix64(seed: 9)
        var second = 0
        for step in 0..<20_000 {
            second += Int.random(in: 1...3, using: &random)
            model = model.filter { $0.value.used + 10 > second }
            let id = "\(Int.random(in: 0..<8, using: &random))"
            let isStart = Int.random(in: 0..<3, using: &random) == 0
            let oldest = model.min { $0.value.used < $1.value.used }
            if isStart, model[id] == nil, model.count == 5, let oldest { model[oldest.key] = nil }
            let state = try? table.begin(key(id), start: isStart ? [] : nil, now: at(second))
            let expected: [Float]? = isStart ? [] : model[id].map { [$0.state] }
            guard state == expected else {
                Issue.record(
                    "seed 9, step \(step): \(String(describing: state)), not \(String(describing: expected))"
                )
                return
            }
            if state != nil {
                table.finish(key(id), state: [Float(step)], now: at(second))
                model[id] = (Float(step), second)
            }
            #expect(table.count == model.count)
        }
    }

    @Test func `the last step again goes on from the same state`() throws {
        let now = ContinuousClock.now
        var table = SequenceTable(capacity: 4, timeToLive: .seconds(60))
        let key = SequenceTable.Key(model: "m", version: "1", id: "s")
        #expect(try table.begin(key, start: [], step: 1, now: now) == [])
        table.finish(key, state: [1], last: (1, []), now: now)
        #expect(try table.begin(key, start: nil, step: 2, now: now) == [1])
        table.finish(key, state: [2], last: (2, [1]), now: now)
        // The answer was lost: the same step is sent again.
        #expect(try table.begin(key, start: nil, step: 2, now: now) == [1])
        table.finish(key, state: [2], last: (2, [1]), now: now)
        #expect(try table.begin(key, start: nil, step: 3, now: now) == [2])
        table.abandon(key, now: now)
        #expect(throws: SequenceTable.Fault.step(expected: 3)) {
            try table.begin(key, start: nil, step: 5, now: now)
        }
    }

    @Test func `states are bounded in bytes: the oldest makes room`() throws {
        let now = ContinuousClock.now
        var table = SequenceTable(capacity: 100, capacityBytes: 100, timeToLive: .seconds(60))
        let keys = (0..<4).map { SequenceTable.Key(model: "m", version: "1", id: "\($0)") }
        for key in keys {
            _ = try table.begin(key, start: [], now: now)
            table.finish(key, state: Array(repeating: 0, count: 10), now: now) // 40 bytes
        }
        #expect(table.bytes == 80)
        #expect(throws: SequenceTable.Fault.evicted) { try table.begin(keys[1], start: nil, now: now) }
        #expect(try table.begin(keys[3], start: nil, now: now).count == 10)
    }

    @Test func `a client with as many as it may starts no other, and costs nobody else's`() throws {
        var table = SequenceTable(capacity: 9, capacityPerClient: 2, timeToLive: .seconds(10))
        for (client, id) in [("x", "a"), ("x", "b"), ("y", "c")] {
            _ = try table.begin(key(id), of: client, start: [], now: at(0))
            table.finish(key(id), state: [1], now: at(0))
        }
        #expect(throws: Fault.tooMany(limit: 2)) { try table.begin(key("d"), of: "x", start: [], now: at(1)) }
        #expect(table.count == 3)
        // What it has goes on and starts again, and others start theirs.
        _ = try table.begin(key("a"), of: "x", start: [], now: at(1))
        table.finish(key("a"), state: nil, now: at(1))
        _ = try table.begin(key("d"), of: "x", start: [], now: at(1))
        table.abandon(key("d"), now: at(1))
        _ = try table.begin(key("e"), of: "y", start: [], now: at(1))
        // One that starts counts already, and one that failed to start does not any more.
        _ = try table.begin(key("d"), of: "x", start: [], now: at(2))
        #expect(throws: Fault.tooMany(limit: 2)) { try table.begin(key("f"), of: "x", start: [], now: at(2)) }
        // So does one that is worked on by another client; forgotten ones do not.
        table.finish(key("d"), state: nil, now: at(2))
        _ = try table.begin(key("b"), of: "y", start: nil, now: at(2))
        table.finish(key("b"), state: [2], now: at(2))
        _ = try table.begin(key("g"), of: "x", start: [], now: at(2))
        #expect(throws: Fault.tooMany(limit: 2)) { try table.begin(key("h"), of: "x", start: [], now: at(2)) }
        table.finish(key("g"), state: [3], now: at(2))
        _ = try table.begin(key("h"), of: "x", start: [], now: at(12))
    }
}
