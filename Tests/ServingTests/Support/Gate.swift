import Inference
import Platform
import Support

/// Holds batches back until they are let through, and remembers them.
final class Gate: Sendable {
    struct State {
        var open = 0
        /// The model and the first value of each item, for each batch that began.
        var batches: [(model: String, items: [Float])] = []
    }

    private let state = Monitor(State())

    /// Lets `count` batches through.
    func open(_ count: Int = 1_000_000) { state.signal { $0.open += count } }

    /// Waits until so many batches have begun.
    func waitForBatches(_ count: Int) {
        _ = state.wait { $0.batches.count >= count ? true : nil }
    }

    var batches: [(model: String, items: [Float])] { state.withLock(\.batches) }

    /// Answers each item with its own first value, once the gate is open or nobody waits any more.
    var run: BatchRunner.Run {
        { model, items, shouldContinue throws(ServingError) in
            let values = items.map { item in item.tensor.withSpan { $0[0] } }
            self.state.signal { $0.batches.append((model.model, values)) }
            while true {
                let step = ContinuousClock.now + .milliseconds(1)
                let passed = self.state.wait(until: step) { state -> Bool? in
                    guard state.open > 0 else { return nil }
                    state.open -= 1
                    return true
                }
                if passed == true { return values.map { .init(logits: [$0]) } }
                if !shouldContinue() { return nil }
            }
        }
    }
}
