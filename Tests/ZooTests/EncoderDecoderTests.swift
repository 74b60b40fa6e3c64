import Engine
import Testing
import Zoo

/// Encoder–decoders against PyTorch, with each attention; `Fixtures/make_translate.py` has the same cases.
@Suite(.serialized) struct EncoderDecoderTests {
    /// A network, named as in the fixture.
    struct Case: Sendable, CustomTestStringConvertible {
        let cell: String
        let attention: String
        let layers: Int
        /// `both` directions, `fed` input, `bridged` states.
        var variant = ""

        var testDescription: String {
            "\(cell) \(attention) \(layers)" + (variant.isEmpty ? "" : " \(variant)")
        }

        private func has(_ name: String) -> Bool { variant.split(separator: " ").contains { $0 == name } }

        var configuration: ArchitectureConfiguration {
            var configuration = ArchitectureConfiguration(
                classes: 19,
                options: [
                    "cell": .string(cell), "attention": .string(attention), "layers": .number(Double(layers)),
                    "hidden": .number(24), "embedding": .number(10),
                    "relu": .bool(attention == "none" && layers == 1 && variant.isEmpty),
                    "bidirectional": .bool(has("both")), "input_feeding": .bool(has("fed")),
                ],
                sequenceInput: .tokens(23)
            )
            // What options cannot say, the shapes of the weights do.
            if has("bridged") { configuration = ArchitectureConfiguration(classes: 19, shapes: bridged) }
            return configuration
        }

        /// The weights of a bridged network: 7 units for each direction, and with Luong's attention 14 numbers that the head
        /// sees.
        private var bridged: [String: Shape] {
            let gates = cell == "lstm" ? 4 : 3
            let seen = attention == "general" ? 14 : 24
            var shapes: [String: Shape] = [
                "encoder.embedding.weight": [23, 10], "decoder.embedding.weight": [19, 10],
                "head.weight": [19, seen], "head.bias": [19],
            ]
            func linear(_ name: String, _ outputs: Int, _ inputs: Int) {
                shapes["\(name).weight"] = [outputs, inputs]
                shapes["\(name).bias"] = [outputs]
            }
            func layer(_ name: String, _ suffix: String, _ inputs: Int, _ hidden: Int) {
                for (kind, columns) in [("ih", inputs), ("hh", hidden)] {
                    shapes["\(name).rnn.weight_\(kind)_\(suffix)"] = [gates * hidden, columns]
                    shapes["\(name).rnn.bias_\(kind)_\(suffix)"] = [gates * hidden]
                }
            }
            for index in 0..<layers {
                for direction in ["", "_reverse"] {
                    layer("encoder", "l\(index)\(direction)", index == 0 ? 10 : 14, 7)
                }
                layer("decoder", "l\(index)", index > 0 ? 24 : 10 + (attention == "general" ? seen : 14), 24)
                for state in cell == "lstm" ? ["hidden", "cell"] : ["hidden"] {
                    linear("bridge.\(state)_l\(index)", 24, 14)
                }
            }
            if attention == "general" {
                linear("attention", 24, 14)
                linear("concat", seen, 14 + 24)
            } else {
                linear("attention.Wa", 24, 24)
                linear("attention.Ua", 24, 14)
                linear("attention.Va", 1, 24)
            }
            return shapes
        }

        func graphs() throws -> (encoder: Graph, decoder: Graph) {
            let architecture = try Architecture.named("encoder_decoder")
            return (
                try architecture.graph(configuration),
                try #require(try architecture.decoderGraph(configuration))
            )
        }

        /// The tensors of a weights file.
        func shapes() throws -> [String: Shape] {
            let graphs = try graphs()
            let parameters = graphs.encoder.parameters + graphs.decoder.parameters
            return Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
        }
    }

    static let cases: [Case] = ["gru", "lstm"].flatMap { cell in
        [("none", 1), ("none", 2), ("dot", 2), ("general", 1), ("additive", 1), ("additive", 2)].map {
            Case(cell: cell, attention: $0, layers: $1)
        }
            + [
                ("none", 1, "both"), ("dot", 1, "fed"), ("dot", 2, "both fed"), ("general", 1, "both"),
                ("general", 1, "both fed"), ("general", 2, "both fed bridged"), ("additive", 2, "both"),
                ("additive", 1, "both bridged"),
            ].map { Case(cell: cell, attention: $0, layers: $1, variant: $2) }
    }

    private static let pool = WorkerPool(threads: 2)
    private static let start: Float = 1

    private static func session(_ graph: Graph) -> Session {
        Session(graph: graph, weights: Weights(synthetic: 7, gain: 3, for: graph), pool: pool)
    }

    private static func array(_ span: Span<Float>) -> [Float] { span.indices.map { span[$0] } }

    /// What the encoder makes of a source: the decoder's input and the state that it starts from.
    private static func read(_ source: [Float], _ row: Case) throws -> (memory: [Float], state: [Float]) {
        let graphs = try row.graphs()
        let session = session(graphs.encoder)
        try session.prepare(inputShape: [source.count], batch: 1)
        session.setInput(0, to: source.span)
        try #require(session.run())
        let handed = graphs.encoder.outputs.map(\.name).filter { $0.hasPrefix("state.") }
        let known =
            handed.isEmpty
            ? session.withState(0, array) : handed.flatMap { session.withOutput($0, item: 0, array) }
        let rest = graphs.decoder.stateCount - 1 - known.count
        return (
            session.withOutput("logits", item: 0, array), [start] + known + Array(repeating: 0, count: rest)
        )
    }

    private static func source(steps: Int, seed: UInt64 = 7) -> [Float] {
        SyntheticWeights.tensor("input", [steps, 1], seed: seed).values.map {
            Float(((Double($0) + 2) / 4 * 23).rounded(.down))
        }
    }

    @Test(arguments: cases)
    func `every step's logits equal PyTorch's`(_ row: Case) throws {
        let fixture = try Fixtures.translate()
        let name = row.testDescription
        let expected = try fixture.tensor("\(name) logits")
        let tokens = try fixture.tensor("\(name) greedy").values
        var (memory, state) = try Self.read(Self.source(steps: 9), row)
        let graph = try row.graphs().decoder
        let session = Self.session(graph)
        let rows = memory.count / graph.inputShape[1]
        #expect(rows == (row.attention == "none" ? 1 : 9))
        try session.prepare(inputShape: [rows, graph.inputShape[1]], batch: 1)
        var (found, weights) = ([Float](), [Float]())
        for step in 0..<expected.shape[0] {
            session.setInput(0, to: memory.span)
            session.setState(0, to: state.span)
            try #require(session.run())
            found += session.withOutput("logits", item: 0, Self.array)
            if row.attention != "none" { weights += session.withOutput("attention", item: 0, Self.array) }
            state = session.withState(0, Self.array)
            if step < tokens.count { state[0] = tokens[step] }
        }
        let largest = expected.values.map(\.magnitude).max() ?? 0
        let worst = zip(found, expected.values).map { ($0 - $1).magnitude }.max() ?? .infinity
        #expect(found.count == expected.values.count)
        #expect(worst <= 1e-5 * largest, "off by \(worst), the largest is \(largest)")
        guard row.attention != "none" else { return }
        let looks = try fixture.tensor("\(name) attention").values
        #expect(looks.count == weights.count)
        #expect(zip(weights, looks).allSatisfy { ($0 - $1).magnitude <= 1e-5 })
    }

    @Test(arguments: cases)
    func `a step has the same bits alone and in a batch`(_ row: Case) throws {
        let graph = try row.graphs().decoder
        let width = graph.inputShape[1]
        let items = try [3, 9, 1, 6, 9].enumerated().map { seed, steps in
            try Self.read(Self.source(steps: steps, seed: UInt64(seed)), row)
        }
        let session = Self.session(graph)
        func bits(_ items: ArraySlice<(memory: [Float], state: [Float])>, rows: Int) throws -> [[UInt32]] {
            try session.prepare(inputShape: [rows, width], batch: items.count)
            for (index, item) in items.enumerated() {
                session.setInput(index, to: item.memory.span)
                session.setState(index, to: item.state.span)
            }
            try #require(session.run())
            return items.indices.map { item in
                let index = item - items.startIndex
                let all =
                    session.withOutput("logits", item: index, Self.array)
                    + session.withState(index, Self.array)
                return all.map(\.bitPattern)
            }
        }
        let alone = try items.indices.map { index in
            try bits(items[index...index], rows: items[index].memory.count / width)[0]
        }
        #expect(Set(alone).count == items.count, "the items must differ for the test to mean anything")
        #expect(try bits(items[...], rows: row.attention == "none" ? 1 : 16) == alone)
    }

    @Test(arguments: cases)
    func `a decoder that looks at its memory hands out the weights`(_ row: Case) throws {
        let names = try row.graphs().decoder.outputs.map(\.name)
        #expect(names == ["logits", "probabilities"] + (row.attention == "none" ? [] : ["attention"]))
    }

    @Test(arguments: cases)
    func `kind and sizes are read from the shapes`(_ row: Case) throws {
        var shapes = try row.shapes()
        // What is as large as the hidden state by default need not be; biases need not be there.
        for name in ["Wa", "Ua", "Va"] {
            guard let shape = shapes["attention.\(name).weight"] else { continue }
            shapes["attention.\(name).weight"] = name == "Va" ? [1, 17] : [17, shape[1]]
            shapes["attention.\(name).bias"] = nil
        }
        shapes["concat.bias"] = nil
        shapes["attention.bias"] = nil
        let configuration = ArchitectureConfiguration(shapes: shapes, sequenceInput: .tokens(23))
        let architecture = try Architecture.named("encoder_decoder")
        let graphs = [
            try architecture.graph(configuration),
            try #require(try architecture.decoderGraph(configuration)),
        ]
        let parameters = graphs.flatMap(\.parameters).map { ($0.name, $0.shape) }
        #expect(Dictionary(uniqueKeysWithValues: parameters) == shapes)
        let states = (row.cell == "lstm" ? 2 : 1) * row.layers * 24
        let fed = row.variant.contains("fed") ? (row.variant.contains("bridged") ? 14 : 24) : 0
        #expect(graphs[1].stateCount == 1 + states + fed)
        let handed = graphs[0].outputs.filter { $0.name.hasPrefix("state.") }
        let count = handed.reduce(0) { $0 + graphs[0].shape(of: $1.value).elementCount }
        #expect(handed.isEmpty ? graphs[0].stateCount == states : count == states)
    }

    @Test func `names and shapes are PyTorch's`() throws {
        let shapes = try Case(cell: "gru", attention: "additive", layers: 1).shapes()
        #expect(shapes.count == 18)
        #expect(shapes["encoder.embedding.weight"] == [23, 10])
        #expect(shapes["encoder.rnn.weight_ih_l0"] == [72, 10])
        #expect(shapes["decoder.embedding.weight"] == [19, 10])
        #expect(shapes["decoder.rnn.weight_ih_l0"] == [72, 34])
        #expect(shapes["attention.Va.weight"] == [1, 24])
        #expect(shapes["head.weight"] == [19, 24])
        let luong = try Case(cell: "lstm", attention: "general", layers: 1).shapes()
        #expect(luong["attention.weight"] == [24, 24])
        #expect(luong["concat.weight"] == [24, 48])
        #expect(try Case(cell: "lstm", attention: "dot", layers: 1).shapes()["attention.weight"] == nil)
    }

    // swift-format-ignore
    static let faults: [(change: [String: Shape?], options: [String: OptionValue], message: String)] = [
        (["decoder.rnn.weight_hh_l0": [48, 16]], [:], "the decoder starts from the encoder's last state, but the encoder has 1×24 hidden units and the decoder 1×16"),
        (["decoder.rnn.weight_ih_l1": [72, 24]], [:], "the decoder starts from the encoder's last state, but the encoder has 1×24 hidden units and the decoder 2×24"),
        (["encoder.rnn.weight_hh_l0_reverse": [72, 24]], [:], "the decoder starts from the encoder's last state, but the encoder has 1×2×24 hidden units and the decoder 1×24"),
        (["decoder.rnn.weight_hh_l0_reverse": [72, 24]], [:], "the decoder reads both directions, but it writes one token after another"),
        ([:], ["input_feeding": .bool(true)], "option 'input_feeding' is true but the weights say false; remove the option"),
        (["encoder.rnn.weight_hh_l0": [96, 24]], [:], "encoder: tensor 'rnn.weight_hh_l0' is 96×24 but needs 72 rows, 3 for each of its 24 columns; these are the weights of 'lstm'"),
        (["encoder.rnn.weight_hr_l0": [8, 24]], [:], "encoder: tensor 'rnn.weight_hr_l0' projects the output, which only 'lstm' does"),
        ([:], ["cell": .string("lstm")], "encoder: tensor 'rnn.weight_hh_l0' is 72×24 but needs 96 rows, 4 for each of its 24 columns; these are the weights of 'gru'"),
        ([:], ["hidden": .number(12)], "encoder: option 'hidden' is 12 but the weights say 24; remove the option"),
        (["attention.Wa.weight": [0, 24]], [:], "tensor 'attention.Wa.weight' has 0 rows"),
    ]

    @Test(arguments: faults)
    func `says what does not fit`(
        fault: (change: [String: Shape?], options: [String: OptionValue], message: String)
    ) throws {
        var shapes = try Case(cell: "gru", attention: "additive", layers: 1).shapes()
        for (name, shape) in fault.change { shapes[name] = shape }
        let architecture = try Architecture.named("encoder_decoder")
        let configuration = ArchitectureConfiguration(options: fault.options, shapes: shapes)
        let error = #expect(throws: ArchitectureError.self) { try architecture.graph(configuration) }
        #expect(error?.description == "encoder_decoder: \(fault.message)")
    }

    @Test func `widths that options or weights cannot have say so`() throws {
        let architecture = try Architecture.named("encoder_decoder")
        func message(_ options: [String: OptionValue], _ shapes: [String: Shape] = [:]) -> String? {
            let configuration = ArchitectureConfiguration(options: options, shapes: shapes)
            let error = #expect(throws: ArchitectureError.self) { try architecture.graph(configuration) }
            return error?.description
        }
        #expect(
            message(["hidden": .number(25), "bidirectional": .bool(true)])
                == "encoder_decoder: option 'hidden' is 25, of which each of two directions has half"
        )
        #expect(
            message(["attention": .string("additive"), "input_feeding": .bool(true)])
                == "encoder_decoder: option 'input_feeding' needs 'attention' dot or general"
        )
        var shapes = try Case(cell: "gru", attention: "general", layers: 2, variant: "both fed bridged")
            .shapes()
        shapes["attention.weight"] = nil
        shapes["attention.bias"] = nil
        #expect(
            message([:], shapes)
                == "encoder_decoder: a dot product needs states of one size, but the encoder's are 14 and the decoder's 24 wide"
        )
    }

    @Test func `weights without one of the two say so`() throws {
        let shapes = try Case(cell: "gru", attention: "none", layers: 1).shapes()
        for part in ["encoder.", "decoder."] {
            let rest = shapes.filter { !$0.key.hasPrefix(part) }
            let configuration = ArchitectureConfiguration(shapes: rest)
            let error = #expect(throws: ArchitectureError.self) {
                try Architecture.named("encoder_decoder").graph(configuration)
            }
            #expect(error?.description.hasSuffix("no tensor whose name begins with '\(part)'") == true)
        }
    }
}
