import Serving
import Testing

struct BatchPolicyTests {
    let start = ContinuousClock.now

    @Test func `a lone item runs at once`() {
        let policy = BatchPolicy(maxBatchSize: 8)
        #expect(policy.decision(waiting: 1, oldest: start, now: start) == .run(items: 1, .idle))
    }

    @Test func `what waits runs together up to the largest batch`() {
        let policy = BatchPolicy(maxBatchSize: 8)
        #expect(policy.decision(waiting: 7, oldest: start, now: start) == .run(items: 7, .idle))
        #expect(policy.decision(waiting: 8, oldest: start, now: start) == .run(items: 8, .full))
        #expect(policy.decision(waiting: 20, oldest: start, now: start) == .run(items: 8, .full))
    }

    @Test func `a delay counts from the oldest arrival and ends early when the batch is full`() {
        let policy = BatchPolicy(maxBatchSize: 4, maxDelay: .milliseconds(10))
        let end = start + .milliseconds(10)
        #expect(policy.decision(waiting: 1, oldest: start, now: start) == .wait(until: end))
        #expect(
            policy.decision(waiting: 3, oldest: start, now: start + .milliseconds(9)) == .wait(until: end)
        )
        #expect(policy.decision(waiting: 3, oldest: start, now: end) == .run(items: 3, .delay))
        #expect(policy.decision(waiting: 4, oldest: start, now: start) == .run(items: 4, .full))
    }

    @Test func `the time to come back follows the recent rate within one second and one minute`() {
        var estimate = ThroughputEstimate()
        #expect(estimate.seconds(for: 1000) == 1)
        estimate.record(items: 4, in: .seconds(2))
        #expect(estimate.seconds(for: 1) == 1)
        #expect(estimate.seconds(for: 21) == 11)
        #expect(estimate.seconds(for: 100_000) == 60)
    }
}
