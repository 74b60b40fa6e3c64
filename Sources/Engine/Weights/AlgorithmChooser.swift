internal import Graphs
internal import Platform
internal import Synchronization
internal import Tensors

/// How the algorithms of a model's operations are chosen.
package enum Tuning: Sendable {
    /// By the cost model: the same on every machine with the same instruction set.
    case off
    /// By measuring; what is found is kept in a folder, if there is one, and read from there the next time.
    case measured(folder: String?)

    /// The same with nothing kept.
    var unkept: Tuning {
        if case .measured = self { .measured(folder: nil) } else { .off }
    }
}

/// Chooses the algorithm of each operation that has several: one for every batch size and image size, since its numbers
/// must not depend on them.
struct AlgorithmChooser: Sendable {
    private let memory: WeightMemory
    private let tuner: AlgorithmTuner?
    private let file: TuningFile?
    /// What the file says, by the layer's name.
    private let kept: [String: String]

    /// - Parameters:
    ///   - memory: what the packed forms may take.
    ///   - tuning: how to choose.
    ///   - graph: the network; one without choices has nothing to keep.
    ///   - fingerprint: of the weights.
    init(_ memory: WeightMemory, _ tuning: Tuning, for graph: Graph, fingerprint: UInt64) {
        self.memory = memory
        let offersChoices = graph.nodes.contains { $0.op.choice(output: $0.shape) != nil }
        guard case .measured(let folder) = tuning, memory == .fast, offersChoices else {
            (tuner, file, kept) = (nil, nil, [:])
            return
        }
        tuner = AlgorithmTuner()
        file = folder.map { TuningFile(folder: $0, weights: fingerprint) }
        kept = file?.read() ?? [:]
    }

    /// The name of the algorithm of a layer whose output has a shape on an image of the model's own size; nil when it has
    /// no choice.
    func algorithm(of op: any PackedOp, named name: String, output: Shape) -> String? {
        guard memory == .fast, let choice = op.choice(output: output) else { return nil }
        if let kept = kept[name], choice.candidates.contains(where: { $0.name == kept }) { return kept }
        return choice.candidates[tuner?.pick(from: choice) ?? choice.best].name
    }

    /// Keeps the choices of all layers that had one, unless they are what was read.
    ///
    /// - Throws: `SystemError` when the file cannot be written; the choices hold for this process.
    func keep(_ choices: [String: String]) throws(SystemError) {
        guard let file, choices != kept else { return }
        try file.write(choices)
    }
}

/// Measures the algorithms of operations on this machine.
///
/// It measures a core's time for one item; what memory and batches make of it stays the cost model's. Layers of the
/// same sizes are measured once. When its time is spent, the cost model chooses.
final class AlgorithmTuner: Sendable {
    private struct State {
        /// By the keys of the choices.
        var picks: [String: Int] = [:]
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

    /// The number of the candidate that is the cheapest.
    func pick(from choice: AlgorithmChoice) -> Int {
        let best = choice.best
        let limit = Self.plausible * choice.candidates[best].cost
        let plausible = choice.candidates.indices.filter { choice.candidates[$0].cost <= limit }
        guard plausible.count > 1 else { return best }
        let (known, left) = state.withLock { ($0.picks[choice.key], $0.left) }
        if let known { return known }
        guard left > .zero else { return best }
        let start = ContinuousClock.now
        let pick = Self.measured(plausible, of: choice) ?? best
        state.withLock { state in
            state.picks[choice.key] = pick
            state.left -= .now - start
        }
        return pick
    }

    private static func measured(_ candidates: [Int], of choice: AlgorithmChoice) -> Int? {
        // Without memory to measure in, the cost model chooses.
        guard let trials = try? choice.trials(candidates) else { return nil }
        for run in trials { run() }
        var times = Array(repeating: Duration.seconds(3600), count: trials.count)
        for _ in 0..<runs { // in turn, so that a disturbance does not meet one algorithm only
            for (index, run) in trials.enumerated() {
                times[index] = min(times[index], ContinuousClock().measure { run() })
            }
        }
        let costs = zip(candidates, times).map { candidate, time in
            choice.measuredCost(candidate, time / .seconds(1)) * (candidate == choice.best ? margin : 1)
        }
        return zip(candidates, costs).min { $0.1 < $1.1 }?.0
    }
}
