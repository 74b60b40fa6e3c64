import Engine
import Testing

/// Sequences in a session: lengths that differ within a batch, and states that are carried on.
@Suite struct SequenceSessionTests {
    /// A cell in the forms that a network can have.
    struct Form: Sendable, CustomTestStringConvertible {
        var cell: RecurrentForm
        var layers: Int
        var isBidirectional = false
        var pooling: SequencePool.Kind?
        var features = 5
        var hidden = 19

        var testDescription: String {
            "\(layers) × \(cell.rawValue)\(isBidirectional ? ", both directions" : "")"
                + " of \(hidden), \(pooling?.rawValue ?? "each step")"
        }

        /// Recurrent layers, a pool unless every step has its output, and a head.
        func graph(steps: Int) throws -> Graph {
            var graph = Graph(inputShape: [steps, features])
            var value = Graph.Value.input
            for layer in 0..<layers {
                let op = cell.layer(
                    inputs: graph.shape(of: value)[1],
                    hidden: hidden,
                    layer: layer,
                    isBidirectional: isBidirectional
                )
                value = try graph.add(op, name: "rnn", inputs: [value])
            }
            if let pooling {
                let pool = SequencePool(pooling, isBidirectional: isBidirectional)
                value = try graph.add(pool, name: "pool", inputs: [value])
            }
            let width = graph.shape(of: value).dimensions.last ?? 0
            let head = try graph.add(Linear(inputs: width, outputs: 3), name: "head", inputs: [value])
            graph.setOutput("logits", to: head)
            return graph
        }

        func item(_ seed: Int, steps: Int) -> Tensor {
            SyntheticWeights.tensor("input", [steps, features], seed: UInt64(seed))
        }
    }

    static let streams: [Form] = RecurrentForm.all.flatMap { cell in
        [(1, 19), (3, 19), (2, 130)].map { layers, hidden in
            Form(cell: cell, layers: layers, hidden: hidden)
        }
    }

    static let mixtures: [Form] = RecurrentForm.all.flatMap { cell in
        [nil, .last, .lastOutput, .mean, .max].flatMap { (pooling: SequencePool.Kind?) in
            [(false, 19), (true, 19), (false, 130), (true, 130)].map { isBidirectional, hidden in
                Form(
                    cell: cell,
                    layers: 2,
                    isBidirectional: isBidirectional,
                    pooling: pooling,
                    hidden: hidden
                )
            }
        }
    }

    private func session(_ form: Form, threads: Int, gain: Double = 1) throws -> Session {
        let graph = try form.graph(steps: 1)
        let weights = Weights(synthetic: 3, gain: gain, for: graph)
        return Session(graph: graph, weights: weights, pool: WorkerPool(threads: threads))
    }

    private func bits(_ span: Span<Float>) -> [UInt32] { span.indices.map { span[$0].bitPattern } }

    private func answers(_ session: Session, _ items: [Tensor], capacity: Int, _ features: Int) throws
        -> [[UInt32]]
    {
        try session.prepare(inputShape: [capacity, features], batch: items.count)
        for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
        try #require(session.run())
        return items.indices.map { session.withOutput("logits", item: $0, bits) }
    }

    @Test(arguments: mixtures)
    func `an item's answer has the same bits alone and among sequences of other lengths`(_ form: Form) throws
    {
        let lengths = [1, 7, 33, 2, 33, 12, 1, 30, 5, 16, 17, 3, 9] + (0..<22).map { 31 - $0 }
        let items = lengths.enumerated().map { form.item($0, steps: $1) }
        let alone = try session(form, threads: 1)
        let expected = try zip(items, lengths).map { item, steps in
            try answers(alone, [item], capacity: steps, form.features)[0]
        }
        #expect(Set(expected).count == items.count, "the items must differ for the test to mean anything")
        for threads in 1...3 {
            let session = try session(form, threads: threads)
            #expect(try answers(session, items, capacity: 33, form.features) == expected)
            #expect(
                try answers(session, items.reversed(), capacity: 40, form.features) == expected.reversed()
            )
            for count in [2, 3] {
                #expect(
                    try answers(
                        session,
                        Array(items.prefix(count)),
                        capacity: 7 + 26 * (count - 2),
                        form.features
                    )
                        == Array(expected.prefix(count))
                )
            }
        }
        for (output, steps) in zip(expected, lengths) {
            #expect(output.count == (form.pooling == nil ? 3 * steps : 3))
        }
    }

    @Test(arguments: streams)
    func `a thousand single steps with their states give the bits of one run`(_ form: Form) throws {
        let steps = 1000
        let whole = form.item(1, steps: steps)
        let session = try session(form, threads: 2)
        let expected = try answers(session, [whole], capacity: steps, form.features)[0]
        let end = session.withState(0, bits)

        var found: [UInt32] = []
        var state: [Float] = []
        // A neighbour with a state of its own must not matter.
        try session.prepare(inputShape: [1, form.features], batch: 2)
        for step in 0..<steps {
            whole.withSpan { span in
                let values = span.extracting(step * form.features..<(step + 1) * form.features)
                session.setInput(step % 2, to: values)
                session.setInput(1 - step % 2, to: values)
            }
            if step > 0 { session.setState(step % 2, to: state.span) }
            try #require(session.run())
            found += session.withOutput("logits", item: step % 2, bits)
            state = session.withState(step % 2) { span in span.indices.map { span[$0] } }
        }
        #expect(found == expected)
        #expect(state.map(\.bitPattern) == end)
        #expect(Set(found.suffix(300)).count > 30, "the steps must differ for the test to mean anything")
    }

    @Test(arguments: [1, 2, 7, 29])
    func `a sequence in parts of any length ends in the state of the whole`(_ part: Int) throws {
        for form in Self.streams {
            let whole = form.item(2, steps: 29)
            let session = try session(form, threads: 2)
            let expected = try answers(session, [whole], capacity: 29, form.features)[0]
            let end = session.withState(0, bits)
            var found: [UInt32] = []
            var state: [Float] = []
            for start in stride(from: 0, to: 29, by: part) {
                let range = start * form.features..<min(29, start + part) * form.features
                try session.prepare(inputShape: [29, form.features], batch: 1)
                whole.withSpan { session.setInput(0, to: $0.extracting(range)) }
                if start > 0 { session.setState(0, to: state.span) }
                try #require(session.run())
                found += session.withOutput("logits", item: 0, bits)
                state = session.withState(0) { span in span.indices.map { span[$0] } }
            }
            #expect(found == expected, "\(form.testDescription)")
            #expect(state.map(\.bitPattern) == end, "\(form.testDescription)")
        }
    }

    @Test func `a state matters, and an input without one begins at zeros again`() throws {
        for form in Self.streams {
            let session = try session(form, threads: 1)
            let item = form.item(3, steps: 2)
            let expected = try answers(session, [item], capacity: 2, form.features)
            let count = try form.graph(steps: 1).stateCount
            item.withSpan { session.setInput(0, to: $0) }
            session.setState(0, to: [Float](repeating: 0.5, count: count).span)
            try #require(session.run())
            #expect([session.withOutput("logits", item: 0, bits)] != expected)
            item.withSpan { session.setInput(0, to: $0) }
            try #require(session.run())
            #expect([session.withOutput("logits", item: 0, bits)] == expected)
        }
    }

    @Test func `a graph knows its state, and who cannot be streamed has none`() throws {
        func graph(_ form: Form) throws -> Graph { try form.graph(steps: 4) }
        #expect(try graph(Form(cell: .rnn, layers: 2)).stateCount == 38)
        #expect(try graph(Form(cell: .gru, layers: 1)).stateCount == 19)
        #expect(try graph(Form(cell: .lstm, layers: 3)).stateCount == 114)
        #expect(try graph(Form(cell: .lstmProjected, layers: 2)).stateCount == 54)
        let both = try graph(Form(cell: .lstm, layers: 1, isBidirectional: true))
        #expect(both.stateCount == 0)
        #expect(!both.isStreamable)
        let images = try SessionTests.imageGraph()
        #expect(!images.isStreamable && !images.takesSequences && images.stateCount == 0)
        #expect(images.batchShape(for: [3, 33, 33]) == [3, 33, 33])
        #expect(both.batchShape(for: [33, 5]) == [64, 5])
        #expect(both.batchShape(for: [32, 5]) == [32, 5])
        #expect(both.batchShape(for: [1, 5]) == [1, 5])
        #expect(try SessionTests.textGraph().batchShape(for: [5]) == [8])
    }
}
