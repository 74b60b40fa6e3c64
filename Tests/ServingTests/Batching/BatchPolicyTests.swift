import Inference
import Testing

struct BatchPolicyTests {
    let start = ContinuousClock.now

    private func waiting(_ items: Int, onTheirWay: Int = 0, seconds: Double? = nil) -> BatchPolicy.Waiting {
        BatchPolicy.Waiting(items: items, onTheirWay: onTheirWay, oldest: start, secondsPerItem: seconds)
    }

    @Test func `a lone item runs at once`() {
        let policy = BatchPolicy(maxBatchSize: 8)
        #expect(policy.decision(waiting(1), now: start) == .run(items: 1, .idle))
    }

    @Test func `what waits runs together up to the largest batch`() {
        let policy = BatchPolicy(maxBatchSize: 8)
        #expect(policy.decision(waiting(7), now: start) == .run(items: 7, .idle))
        #expect(policy.decision(waiting(8), now: start) == .run(items: 8, .full))
        #expect(policy.decision(waiting(20), now: start) == .run(items: 8, .full))
    }

    @Test func `a delay counts from the oldest arrival and ends early when the batch is full`() {
        let policy = BatchPolicy(maxBatchSize: 4, maxDelay: .milliseconds(10))
        let end = start + .milliseconds(10)
        #expect(policy.decision(waiting(1), now: start) == .wait(until: end))
        #expect(policy.decision(waiting(3), now: start + .milliseconds(9)) == .wait(until: end))
        #expect(policy.decision(waiting(3), now: end) == .run(items: 3, .delay))
        #expect(policy.decision(waiting(4), now: start) == .run(items: 4, .full))
    }

    @Test func `a batch takes no longer than it may, but one item always runs`() {
        let policy = BatchPolicy(maxBatchSize: 32, maxBatchTime: .milliseconds(100))
        #expect(policy.decision(waiting(9, seconds: 0.03), now: start) == .run(items: 3, .full))
        #expect(policy.decision(waiting(2, seconds: 0.5), now: start) == .run(items: 1, .full))
        #expect(policy.decision(waiting(40, seconds: 1e-9), now: start) == .run(items: 32, .full))
    }

    @Test func `what is on its way is waited for, no longer than a quarter of what the batch takes`() {
        let policy = BatchPolicy(maxBatchSize: 8)
        let slow = waiting(2, onTheirWay: 3, seconds: 0.02)
        #expect(policy.decision(slow, now: start) == .wait(until: start + .milliseconds(10)))
        #expect(policy.decision(slow, now: start + .milliseconds(10)) == .run(items: 2, .delay))
        let fast = waiting(1, onTheirWay: 1, seconds: 0.001)
        #expect(policy.decision(fast, now: start) == .wait(until: start + .microseconds(500)))
        let tiny = waiting(1, onTheirWay: 1, seconds: 1e-6)
        #expect(policy.decision(tiny, now: start) == .run(items: 1, .idle))
        let unknown = waiting(1, onTheirWay: 1)
        #expect(policy.decision(unknown, now: start) == .wait(until: start + .microseconds(500)))
    }
}
