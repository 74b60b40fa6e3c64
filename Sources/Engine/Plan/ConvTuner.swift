internal import Synchronization

/// Measures the algorithms of convolutions on this machine.
///
/// It measures a core's time for one image; what memory and batches make of it stays the cost model's. Layers of the
/// same sizes are measured once. When its time is spent, the cost model chooses.
final class ConvTuner: Sendable {
    private struct Sizes: Hashable {
        let inputs: Int
        let outputs: Int
        let window: Window
        let shape: Shape
    }

    private struct State {
        var choices: [Sizes: ConvAlgorithm] = [:]
        var left: Duration
    }

    /// Algorithms that the cost model finds so many times as expensive as the best are not measured.
    private static let plausible = 1.5
    /// A measured time must be that much shorter to overrule the cost model, so that noise does not.
    private static let margin = 0.95
    private static let runs = 3

    private let state: Mutex<State>

    /// - Parameter budget: the time that all measurements may take together.
    init(budget: Duration = .seconds(2)) {
        state = Mutex(State(left: budget))
    }

    /// The algorithm for a convolution whose output has a shape.
    func choice(for op: BlockedConv, output: Shape, cost: ConvCost) -> ConvAlgorithm {
        let best = cost.cost(cost.best)
        let candidates = cost.choices.filter { cost.cost($0) <= Self.plausible * best }
        guard candidates.count > 1 else { return cost.best }
        let conv = op.conv
        let sizes = Sizes(
            inputs: conv.inputChannels,
            outputs: conv.outputChannels,
            window: conv.window,
            shape: output
        )
        let (known, left) = state.withLock { ($0.choices[sizes], $0.left) }
        if let known { return known }
        guard left > .zero else { return cost.best }
        let start = ContinuousClock.now
        let choice = measured(candidates, op, output: output, cost: cost)
        state.withLock { state in
            state.choices[sizes] = choice
            state.left -= .now - start
        }
        return choice
    }

    private func measured(
        _ candidates: [ConvAlgorithm],
        _ op: BlockedConv,
        output: Shape,
        cost: ConvCost
    ) -> ConvAlgorithm {
        let window = op.conv.window
        let input: Shape = [
            op.conv.inputChannels,
            output[1] + window.kernelHeight - 1 - 2 * window.padHeight,
            output[2] + window.kernelWidth - 1 - 2 * window.padWidth,
        ]
        let image = ConvTrial.image(of: input)
        let trials = candidates.map { algorithm in
            var op = op
            op.algorithm = algorithm
            return ConvTrial(op, arrays: op.placeholders, input: input, image: image)
        }
        for trial in trials { trial.run() }
        var times = Array(repeating: Duration.seconds(3600), count: trials.count)
        for _ in 0..<Self.runs { // in turn, so that a disturbance does not meet one algorithm only
            for (index, trial) in trials.enumerated() {
                times[index] = min(times[index], ContinuousClock().measure { trial.run() })
            }
        }
        let costs = zip(candidates, times).map { algorithm, time in
            cost.cost(algorithm, seconds: time / .seconds(1)) * (algorithm == cost.best ? Self.margin : 1)
        }
        return zip(candidates, costs).min { $0.1 < $1.1 }?.0 ?? cost.best
    }
}
