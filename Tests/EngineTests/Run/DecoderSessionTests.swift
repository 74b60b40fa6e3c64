import Engine
import Testing

/// A decoder that runs one step on a memory of any length, from a state.
@Suite struct DecoderSessionTests {
    static let (values, keys, hidden) = (12, 10, 9)
    /// The token, and two layers with hidden and cell state.
    static let stateCount = 1 + 4 * hidden

    /// The token before and the context of the last layer's state, two layers, a head.
    static func graph(steps: Int) throws -> Graph {
        var graph = Graph(inputShape: [steps, values + keys])
        func add(_ op: any Op, _ name: String, _ inputs: Graph.Value...) throws -> Graph.Value {
            try graph.add(op, name: name, inputs: inputs)
        }
        let number = try add(Recall(own: 1), "token", .input)
        let token = try add(Embedding(size: 7, features: 5), "embedding", number)
        let known = try add(Recall(hidden, following: 2 * hidden), "known", .input)
        let query = try add(Linear(inputs: hidden, outputs: keys), "query", known)
        let attention = Attention(.additive, values: values, keys: keys)
        let attended = try graph.addAll(attention, name: "attention", inputs: [.input, query])
        var value = try add(ConcatFeatures(), "concat", token, attended[0])
        for (layer, inputs) in [5 + values, hidden].enumerated() {
            let op = Recurrent(.lstm, inputs: inputs, hidden: hidden, layer: layer)
            value = try add(op, "rnn", value)
        }
        graph.setOutput("logits", to: try add(Linear(inputs: hidden, outputs: 7), "head", value))
        graph.setOutput("attention", to: attended[1])
        graph.setOutput("token", to: number)
        graph.setOutput("known", to: known)
        return graph
    }

    private static func memory(_ seed: Int, steps: Int) -> Tensor {
        SyntheticWeights.tensor("input", [steps, values + keys], seed: UInt64(seed))
    }

    private static func state(_ seed: Int) -> [Float] {
        [Float(seed % 7)] + SyntheticWeights.tensor("input", [stateCount - 1, 1], seed: UInt64(seed)).values
    }

    private func array(_ span: Span<Float>) -> [Float] { span.indices.map { span[$0] } }

    /// The logits, the state and the attention of each item.
    private func answers(_ session: Session, _ items: [(Tensor, [Float])], capacity: Int) throws -> [[Float]]
    {
        try session.prepare(inputShape: [capacity, Self.values + Self.keys], batch: items.count)
        for (index, (memory, state)) in items.enumerated() {
            memory.withSpan { session.setInput(index, to: $0) }
            session.setState(index, to: state.span)
        }
        try #require(session.run())
        return items.indices.map { item in
            session.withOutput("logits", item: item, array) + session.withState(item, array)
                + session.withOutput("attention", item: item, array)
        }
    }

    private func session(threads: Int) throws -> Session {
        let graph = try Self.graph(steps: 1)
        let weights = Weights(synthetic: 3, for: graph)
        return Session(graph: graph, weights: weights, pool: WorkerPool(threads: threads))
    }

    @Test func `a step has the same bits alone and among memories of other lengths`() throws {
        let lengths = [1, 7, 33, 2, 33, 12, 1, 30, 5]
        let items = lengths.enumerated().map { (Self.memory($0, steps: $1), Self.state($0)) }
        let alone = try session(threads: 1)
        let expected = try zip(items, lengths).map { try answers(alone, [$0], capacity: $1)[0] }
        #expect(Set(expected).count == items.count, "the items must differ for the test to mean anything")
        for threads in 1...3 {
            let session = try session(threads: threads)
            #expect(try answers(session, items, capacity: 33) == expected)
            #expect(try answers(session, items.reversed(), capacity: 40) == expected.reversed())
        }
    }

    @Test func `recalls what its state was before the step, and leaves its own part alone`() throws {
        #expect(try Self.graph(steps: 1).stateCount == Self.stateCount)
        #expect(try Self.graph(steps: 1).isStreamable)
        let session = try session(threads: 1)
        let state = Self.state(3)
        let answer = try answers(session, [(Self.memory(0, steps: 4), state)], capacity: 4)[0]
        #expect(session.withOutput("token", item: 0, array) == [state[0]])
        let before = Array(state[1 + 2 * Self.hidden..<1 + 3 * Self.hidden])
        #expect(session.withOutput("known", item: 0, array) == before)
        let after = answer.dropFirst(7).prefix(Self.stateCount)
        #expect(after.first == state[0])
        #expect(zip(after, state).dropFirst().allSatisfy { $0 != $1 })
    }

    @Test func `retains what it made of a step for the next, and no item sees another's`() throws {
        var graph = Graph(inputShape: [4, 3])
        func add(_ op: any Op, _ name: String, _ inputs: Graph.Value...) throws -> Graph.Value {
            try graph.add(op, name: name, inputs: inputs)
        }
        let number = try add(Recall(own: 1), "token", .input)
        let fed = try add(Recall(3, following: 5), "fed", .input)
        let both = try add(ConcatFeatures(), "concat", number, fed)
        let layer = try add(Recurrent(.gru, inputs: 4, hidden: 5), "rnn", both)
        let vector = try add(Linear(inputs: 5, outputs: 3), "vector", layer)
        graph.setOutput("logits", to: try add(Retain(3), "retain", vector))
        graph.setOutput("fed", to: fed)
        #expect(graph.stateCount == 1 + 5 + 3)
        let weights = Weights(synthetic: 4, for: graph)
        let memory: [Float] = [0, 0, 0]
        let states: [[Float]] = (0..<5).map { item in (0..<9).map { Float(item * 9 + $0) / 45 } }
        for threads in 1...3 {
            let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: threads))
            try session.prepare(inputShape: [4, 3], batch: 5)
            for item in 0..<5 {
                session.setInput(item, to: memory.span)
                let state = states[item]
                session.setState(item, to: state.span)
            }
            try #require(session.run())
            for item in 0..<5 {
                #expect(
                    session.withOutput("fed", item: item, array) == (6..<9).map { Float(item * 9 + $0) / 45 }
                )
                let made = session.withOutput("logits", item: item, array)
                #expect(session.withState(item, array).suffix(3) == made[...])
            }
        }
        #expect(throws: ShapeError.self) { try Retain(3).outputShape(of: [[1, 4]]) }
    }

    @Test func `hands out a weight for each row of a memory, which sum to 1`() throws {
        let session = try session(threads: 2)
        let lengths = [5, 1, 12]
        let items = lengths.enumerated().map { (Self.memory($0, steps: $1), Self.state($0)) }
        let answers = try answers(session, items, capacity: 16)
        for (answer, steps) in zip(answers, lengths) {
            let weights = answer.dropFirst(7 + Self.stateCount)
            #expect(weights.count == steps && weights.allSatisfy { $0 > 0 })
            #expect(abs(weights.reduce(0, +) - 1) < 1e-6)
        }
    }

    @Test func `memory, token and state all matter`() throws {
        let session = try session(threads: 1)
        let (memory, state) = (Self.memory(0, steps: 4), Self.state(1))
        var (token, layer) = (state, state)
        token[0] = 5
        layer[1 + 2 * Self.hidden] += 1
        let items = [(memory, state), (Self.memory(1, steps: 4), state), (memory, token), (memory, layer)]
        #expect(Set(try answers(session, items, capacity: 4).map { $0.prefix(7) }).count == items.count)
    }
}
