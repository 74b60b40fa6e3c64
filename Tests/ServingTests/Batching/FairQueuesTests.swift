import Inference
import Testing

struct FairQueuesTests {
    typealias Queues = FairQueues<String, Int, String>
    let start = ContinuousClock.now

    private func items(
        _ numbers: [Int],
        shape: String = "s",
        size: Int = 1,
        after milliseconds: Int = 0
    ) -> [Queues.Item] {
        numbers.map {
            .init(payload: $0, shape: shape, size: size, arrival: start + .milliseconds(milliseconds))
        }
    }

    private func queues(_ keys: String..., max: Int = 8, weight: Double = 1, room: Int = 64) -> Queues {
        var queues = Queues()
        let rules = Queues.Rules(policy: BatchPolicy(maxBatchSize: max), maxItems: room, weight: weight)
        for key in keys { queues.add(key, rules) }
        return queues
    }

    /// Runs the next batch, each item of which takes as many seconds as its size.
    private func run(_ queues: inout Queues) -> (key: String, numbers: [Int])? {
        guard case .batch(let batch) = queues.next(now: start + .seconds(1)) else { return nil }
        queues.record(batch, seconds: Double(batch.items.reduce(0) { $0 + $1.size }))
        return (batch.key, batch.items.map(\.payload))
    }

    @Test func `a batch takes waiting items in order and leaves the rest`() throws {
        var queues = queues("a", max: 3)
        queues.append(items(Array(1...5)), to: "a")
        #expect(run(&queues)?.numbers == [1, 2, 3])
        #expect(queues.count("a") == 2)
        // An item has been seen to take a second, longer than a batch may.
        #expect(run(&queues)?.numbers == [4])
        #expect(run(&queues)?.numbers == [5])
        #expect(run(&queues) == nil)
        #expect(queues.counts.isEmpty)
    }

    @Test func `items of another shape wait for a batch of their own`() throws {
        var queues = queues("a")
        queues.append(items([1]), to: "a")
        queues.append(items([2], shape: "other"), to: "a")
        queues.append(items([3]), to: "a")
        #expect(run(&queues)?.numbers == [1, 3])
        #expect(run(&queues)?.numbers == [2])
    }

    /// The keys of the batches that run while all have something waiting.
    private func order(_ queues: inout Queues, _ count: Int) -> [String] {
        (0..<count).compactMap { _ in run(&queues)?.key }
    }

    @Test func `a backlog of one network is no backlog of another`() throws {
        var queues = queues("busy", "quiet", max: 1)
        queues.append(items(Array(1...100), size: 10), to: "busy")
        #expect(run(&queues)?.key == "busy")
        queues.append(items([200], size: 1, after: 900), to: "quiet")
        #expect(run(&queues)?.key == "quiet", "older items of the busy one have to wait")
        #expect(run(&queues)?.key == "busy")
    }

    @Test func `time is shared, not turns`() throws {
        var queues = queues("dear", "cheap", max: 1)
        queues.append(items(Array(0..<100), size: 10), to: "dear")
        queues.append(items(Array(0..<1000), size: 1), to: "cheap")
        let order = order(&queues, 220)
        let dear = order.count { $0 == "dear" }
        #expect((19...21).contains(dear), "\(dear) of 220 batches, each ten times the time of the others")
    }

    @Test func `priority is a share of the time`() throws {
        var queues = queues("low", max: 1)
        queues.add("high", Queues.Rules(policy: BatchPolicy(maxBatchSize: 1), maxItems: 9999, weight: 3))
        queues.append(items(Array(0..<400)), to: "low")
        queues.append(items(Array(0..<400)), to: "high")
        let high = order(&queues, 400).count { $0 == "high" }
        #expect((298...302).contains(high), "\(high) of 400")
    }

    @Test func `one that was idle saves nothing up`() throws {
        var queues = queues("a", "b", max: 1)
        queues.append(items(Array(0..<100)), to: "a")
        _ = order(&queues, 50)
        queues.append(items(Array(0..<100)), to: "b")
        let late = order(&queues, 20).count { $0 == "b" }
        #expect((9...11).contains(late), "\(late) of 20")
    }

    @Test func `a full queue has room for nothing more, and one that is empty for any number`() {
        var queues = queues("a", "b", room: 4)
        #expect(queues.hasRoom(for: 10, under: "a"))
        queues.append(items([1, 2, 3]), to: "a")
        #expect(!queues.hasRoom(for: 2, under: "a"))
        #expect(queues.hasRoom(for: 1, under: "a"))
        queues.admit(1, size: 1, under: "a")
        #expect(!queues.hasRoom(for: 1, under: "a"), "what is on its way has its place")
        queues.admit(-1, size: -1, under: "a")
        #expect(queues.hasRoom(for: 1, under: "a"))
        #expect(queues.hasRoom(for: 9, under: "b"), "another network has its own bound")
    }

    @Test func `predicts the wait from what is before, at the network's share of the engine`() {
        var queues = queues("a", "b", max: 1)
        queues.append(items([0]), to: "a")
        queues.append(items([0]), to: "b")
        _ = order(&queues, 2) // a number takes a second from here on
        #expect(queues.predictedWait("a") == 0)
        queues.append(items([1, 2, 3]), to: "a")
        #expect(queues.predictedWait("a") == 3)
        queues.admit(2, size: 2, under: "a")
        #expect(queues.predictedWait("a") == 5, "what is on its way counts")
        #expect(queues.predictedWait("b") == 0, "nothing of its own is before it")
        queues.append(items(Array(1...20)), to: "b")
        #expect(queues.predictedWait("a") == 10, "half of the engine is for the other")
        #expect(queues.predictedWait("b") == 25, "and no more than all that waits")
    }

    @Test func `removes what nobody waits for, and a network with all that waits for it`() throws {
        var queues = queues("a", "b")
        queues.append(items([1, 2, 3, 4]), to: "a")
        queues.append(items([6]), to: "b")
        let removed = queues.remove { $0.isMultiple(of: 2) }
        #expect(removed.sorted() == [2, 4, 6])
        #expect(queues.counts == ["a": 2])
        #expect(queues.remove("a") == [1, 3])
        #expect(run(&queues) == nil)
    }

    @Test func `waits for the earliest end of a delay`() {
        var queues = Queues()
        let policy = BatchPolicy(maxBatchSize: 4, maxDelay: .milliseconds(10))
        for key in ["a", "b"] { queues.add(key, Queues.Rules(policy: policy)) }
        queues.append(items([1], after: 5), to: "b")
        queues.append(items([2], after: 2), to: "a")
        guard case .wait(let time) = queues.next(now: start + .milliseconds(6)) else {
            Issue.record("expected to wait")
            return
        }
        #expect(time == start + .milliseconds(12))
        guard case .batch = queues.next(now: start + .milliseconds(6), isFinal: true) else {
            Issue.record("nothing more comes, and yet it waits")
            return
        }
    }
}
