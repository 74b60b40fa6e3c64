import Serving
import Testing

struct BatchQueuesTests {
    typealias Queues = BatchQueues<String, Int, String>
    let start = ContinuousClock.now

    private func items(_ numbers: [Int], shape: String = "s", after milliseconds: Int = 0) -> [Queues.Item] {
        numbers.map { .init(payload: $0, shape: shape, arrival: start + .milliseconds(milliseconds)) }
    }

    private func add(_ items: [Queues.Item], to key: String, _ queues: inout Queues) -> Bool {
        queues.append(items, to: key)
    }

    private func run(_ queues: inout Queues, max: Int = 8) -> (key: String, numbers: [Int])? {
        guard case .batch(let batch) = queues.next(BatchPolicy(maxBatchSize: max), now: start + .seconds(1))
        else {
            return nil
        }
        return (batch.key, batch.items.map(\.payload))
    }

    @Test func `a batch takes waiting items in order and leaves the rest`() throws {
        var queues = Queues(maxItems: 16)
        #expect(add(items(Array(1...5)), to: "a", &queues))
        #expect(run(&queues, max: 3)?.numbers == [1, 2, 3])
        #expect(queues.count("a") == 2)
        #expect(run(&queues, max: 3)?.numbers == [4, 5])
        #expect(run(&queues) == nil)
        #expect(queues.counts.isEmpty)
    }

    @Test func `items of another shape wait for a batch of their own`() throws {
        var queues = Queues(maxItems: 16)
        _ = queues.append(items([1]), to: "a")
        _ = queues.append(items([2], shape: "other"), to: "a")
        _ = queues.append(items([3]), to: "a")
        #expect(run(&queues)?.numbers == [1, 3])
        #expect(run(&queues)?.numbers == [2])
    }

    @Test func `the key with the oldest item goes next`() throws {
        var queues = Queues(maxItems: 64)
        _ = queues.append(items(Array(1...4), after: 1), to: "busy")
        _ = queues.append(items([100], after: 2), to: "quiet")
        _ = queues.append(items(Array(5...8), after: 3), to: "busy")
        var order: [String] = []
        while let batch = run(&queues, max: 4) { order.append(batch.key) }
        #expect(order == ["busy", "quiet", "busy"])
    }

    @Test func `a full queue takes nothing of a request that does not fit`() {
        var queues = Queues(maxItems: 4)
        #expect(add(items([1, 2, 3]), to: "a", &queues))
        #expect(!add(items([4, 5]), to: "a", &queues))
        #expect(queues.count("a") == 3)
        #expect(add(items([4]), to: "a", &queues))
        #expect(!add(items([5]), to: "a", &queues))
        #expect(add(items([5]), to: "b", &queues), "another key has its own bound")
    }

    @Test func `a request larger than the bound is taken when nothing waits`() {
        var queues = Queues(maxItems: 4)
        #expect(add(items(Array(1...10)), to: "a", &queues))
        #expect(!add(items([11]), to: "a", &queues))
        #expect(add(items([1]), to: "b", &queues))
        #expect(!add(items(Array(1...10)), to: "b", &queues))
    }

    @Test func `removes what nobody waits for`() throws {
        var queues = Queues(maxItems: 16)
        _ = queues.append(items([1, 2, 3, 4]), to: "a")
        _ = queues.append(items([6]), to: "b")
        let removed = queues.remove { $0.isMultiple(of: 2) }
        #expect(removed.sorted() == [2, 4, 6])
        #expect(queues.counts == ["a": 2])
        #expect(run(&queues)?.numbers == [1, 3])
    }

    @Test func `waits for the earliest end of a delay`() {
        var queues = Queues(maxItems: 16)
        _ = queues.append(items([1], after: 5), to: "b")
        _ = queues.append(items([2], after: 2), to: "a")
        let policy = BatchPolicy(maxBatchSize: 4, maxDelay: .milliseconds(10))
        guard case .wait(let time) = queues.next(policy, now: start + .milliseconds(6)) else {
            Issue.record("expected to wait")
            return
        }
        #expect(time == start + .milliseconds(12))
    }
}
