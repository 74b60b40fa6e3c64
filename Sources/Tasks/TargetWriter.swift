internal import Engine
internal import Inference
internal import Models
internal import Platform
internal import Support

/// Finds a sequence of tokens step by step, of what a decoder says of each that goes on.
protocol TargetSearch: Sendable {
    /// Whether no step is left to do.
    var isDone: Bool { get }
    /// Those that go on.
    var live: [BeamSearch.Hypothesis] { get }
    /// What was found, the best first.
    var best: [BeamSearch.Hypothesis] { get }

    /// Goes on by one token; returns for each that is live now the place of the one that it goes on from.
    mutating func advance(_ logits: [ArraySlice<Float>]) throws(ServingError) -> [Int]
}

extension BeamSearch: TargetSearch {}

/// A sequence whose tokens are drawn, each by its probability.
struct SampledTarget: TargetSearch {
    private var sampler: Sampler
    private let end: Int
    private let maxTokens: Int
    private var hypothesis = BeamSearch.Hypothesis()

    init(_ rule: Sampler.Rule, seed: UInt64, end: Int, maxTokens: Int) {
        sampler = Sampler(rule, seed: seed)
        (self.end, self.maxTokens) = (end, maxTokens)
    }

    var isDone: Bool { hypothesis.isEnded || hypothesis.tokens.count == maxTokens }

    var live: [BeamSearch.Hypothesis] { hypothesis.isEnded ? [] : [hypothesis] }

    var best: [BeamSearch.Hypothesis] { [hypothesis] }

    /// The score is the network's, whatever the tokens were drawn by.
    mutating func advance(_ logits: [ArraySlice<Float>]) throws(ServingError) -> [Int] {
        let row = logits[0]
        let token = try sampler.draw(row)
        let largest = row.reduce(-.infinity, max)
        let sum = row.reduce(0.0) { $0 + Exponential.of(Double($1) - Double(largest)) }
        hypothesis.score += Double(row[row.startIndex + token]) - Double(largest) - Logarithm.of(sum)
        hypothesis.places.append(0)
        if token == end {
            hypothesis.isEnded = true
        } else {
            hypothesis.tokens.append(token)
        }
        return live.map { _ in 0 }
    }
}

/// Lets a decoder write, side by side, of what another network has read for each target.
///
/// Every step passes through the scheduler, so that targets of several requests share batches where what was read has like
/// lengths. What they say does not depend on that.
struct TargetWriter<Search: TargetSearch>: Sendable {
    /// A target while it is written.
    private struct Writing {
        /// What the decoder reads.
        let memory: Tensor
        var search: Search
        /// The decoder's state for each live hypothesis: the token before, and what its layers keep.
        var states: [[Float]]
        /// For each step and each hypothesis that was live then, the weights of the memory's rows; nil where nobody asks.
        var attention: [[[Float]]]?
    }

    /// A hypothesis, and where the decoder looked for each of its tokens.
    struct Written {
        let hypothesis: BeamSearch.Hypothesis
        /// The weights of the rows of the memory; nil where nobody asked for them.
        let attention: [[Float]]?
    }

    let scheduler: Scheduler
    let metrics: ServingMetrics?
    let model: Model
    let decoder: ServedNetwork
    let context: RequestContext
    /// How many tokens there are.
    let classes: Int
    /// Whether the decoder hands out its attention, and it is kept.
    let keepsAttention: Bool

    /// What becomes of each target.
    ///
    /// - Parameters:
    ///   - begun: of each the memory, row by row, the state of the layers and the search. What the decoder keeps beside its
    ///     layers is zero at first.
    ///   - start: the token before the first.
    /// - Returns: the best hypotheses of each, in order.
    /// - Throws: what `Scheduler.infer` throws, and `ServingError` 500 when a logit is not a finite number.
    func write(
        _ begun: [(memory: [Float], state: [Float], search: Search)],
        start: Int
    ) async throws(ServingError) -> [[Written]] {
        let width = decoder.graph.inputShape[1]
        var targets = begun.map { memory, state, search in
            let known = [Float(start)] + state
            return Writing(
                memory: Tensor(shape: [memory.count / width, width], values: memory),
                search: search,
                states: [known + Array(repeating: 0, count: decoder.graph.stateCount - known.count)],
                attention: keepsAttention ? [] : nil
            )
        }
        while try await advance(&targets) {}
        return targets.map { target in
            target.search.best.map { hypothesis in
                let looks = target.attention.map { steps in
                    zip(steps, hypothesis.places).prefix(hypothesis.tokens.count).map { $0[$1] }
                }
                return Written(hypothesis: hypothesis, attention: looks)
            }
        }
    }

    /// Writes a token of each target that goes on; false when there is none.
    private func advance(_ targets: inout [Writing]) async throws(ServingError) -> Bool {
        let open = targets.indices.filter { !targets[$0].search.isDone }
        guard !open.isEmpty else { return false }
        let states = open.map { targets[$0].states }
        let step = try await scheduler.infer(
            decoder,
            items: zip(open, states).flatMap { Array(repeating: targets[$0].memory, count: $1.count) },
            states: states.flatMap(\.self),
            returnsStates: true,
            context
        )
        var first = 0
        for (index, count) in zip(open, states.map(\.count)) {
            let own = first..<first + count
            try advance(&targets[index], step.outputs[own], Array(step.states[own]))
            first += count
        }
        metrics?.model(model.name, version: model.version).generatedTokens.add(open.count)
        return true
    }

    private func advance(
        _ target: inout Writing,
        _ outputs: ArraySlice<[Float]>,
        _ next: [[Float]]
    ) throws(ServingError) {
        target.attention?.append(outputs.map { Array($0.dropFirst(classes)) })
        let parents = try target.search.advance(outputs.map { $0[..<classes] })
        target.states = zip(parents, target.search.live).map { parent, hypothesis in
            var state = next[parent]
            state[0] = Float(hypothesis.tokens[hypothesis.tokens.count - 1])
            return state
        }
    }
}
