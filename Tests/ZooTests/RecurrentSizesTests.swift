import Engine
import Testing
import Zoo

/// Recurrent networks whose sizes come from the shapes of a weights file, odd ones included.
struct RecurrentSizesTests {
    private func graph(
        _ name: String,
        _ shapes: [String: Shape],
        options: [String: OptionValue] = [:],
        input: SequenceInput? = nil
    ) throws(ArchitectureError) -> Graph {
        try Architecture.named(name).graph(
            ArchitectureConfiguration(options: options, shapes: shapes, sequenceInput: input)
        )
    }

    private func refusal(
        _ name: String,
        _ shapes: [String: Shape],
        options: [String: OptionValue] = [:],
        input: SequenceInput? = nil
    ) -> String? {
        do {
            _ = try graph(name, shapes, options: options, input: input)
            return nil
        } catch {
            return error.description
        }
    }

    /// The tensors of a network with chosen sizes.
    private func shapes(
        _ name: String,
        _ options: [String: OptionValue] = [:],
        input: SequenceInput? = nil
    ) throws -> [String: Shape] {
        let configuration = ArchitectureConfiguration(classes: 7, options: options, sequenceInput: input)
        let graph = try Architecture.named(name).graph(configuration)
        return Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
    }

    @Test(arguments: ["rnn", "lstm", "gru"], [1, 3])
    func `sizes are read from the shapes`(_ name: String, _ layers: Int) throws {
        for both in [false, true] {
            for input in [SequenceInput.tokens(31), .features(5)] {
                let options: [String: OptionValue] = [
                    "hidden": .number(24), "layers": .number(Double(layers)), "bidirectional": .bool(both),
                    "embedding": .number(9),
                ]
                let shapes = try shapes(name, options, input: input)
                let read = try graph(name, shapes)
                let found = Dictionary(uniqueKeysWithValues: read.parameters.map { ($0.name, $0.shape) })
                #expect(found == shapes)
                #expect(read.inputShape == (input == .features(5) ? [1, 5] : [1]))
            }
        }
    }

    @Test func `a projection is read from the shapes, and only an lstm has one`() throws {
        let options: [String: OptionValue] = [
            "hidden": .number(24), "projection": .number(10), "layers": .number(2),
            "bidirectional": .bool(true),
        ]
        var shapes = try shapes("lstm", options, input: .features(5))
        #expect(shapes["rnn.weight_hr_l1_reverse"] == [10, 24])
        #expect(shapes["rnn.weight_hh_l0"] == [96, 10])
        #expect(shapes["rnn.weight_ih_l1"] == [96, 20])
        #expect(shapes["head.weight"] == [7, 20])
        let read = try graph("lstm", shapes)
        #expect(Dictionary(uniqueKeysWithValues: read.parameters.map { ($0.name, $0.shape) }) == shapes)
        #expect(
            refusal("lstm", shapes, options: ["projection": .number(11)])
                == "lstm: option 'projection' is 11 but the weights say 10; remove the option"
        )
        shapes["rnn.weight_hr_l1"] = nil
        #expect(try graph("lstm", shapes).parameters.map(\.name).contains("rnn.weight_hr_l1"))
        #expect(
            refusal("gru", shapes)
                == "gru: tensor 'rnn.weight_hr_l0' projects the output, which only 'lstm' does"
        )
    }

    @Test func `names and shapes are PyTorch's`() throws {
        let found = try shapes("lstm", ["hidden": .number(20), "bidirectional": .bool(true)])
        #expect(
            found == [
                "embedding.weight": [10_000, 128], "head.weight": [7, 40], "head.bias": [7],
                "rnn.weight_ih_l0": [80, 128], "rnn.weight_hh_l0": [80, 20],
                "rnn.bias_ih_l0": [80], "rnn.bias_hh_l0": [80],
                "rnn.weight_ih_l0_reverse": [80, 128], "rnn.weight_hh_l0_reverse": [80, 20],
                "rnn.bias_ih_l0_reverse": [80], "rnn.bias_hh_l0_reverse": [80],
            ]
        )
    }

    @Test func `weights without biases have none in the graph`() throws {
        var bare = try shapes("gru", input: .features(4))
        for name in ["rnn.bias_ih_l0", "rnn.bias_hh_l0"] { bare[name] = nil }
        #expect(Set(try graph("gru", bare).parameters.map(\.name)) == Set(bare.keys))
    }

    @Test(arguments: [
        "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_hh_l0", "embedding.weight", "head.bias",
    ])
    func `a missing tensor stays needed`(_ name: String) throws {
        let whole = try shapes("lstm", ["layers": .number(2)], input: .tokens(12))
        var rest = whole
        rest[name] = nil
        let needed = try graph("lstm", rest, input: .tokens(12)).parameters.map(\.name)
        #expect(Set(needed) == Set(whole.keys))
    }

    @Test func `a gap in the layers stays needed`() throws {
        var shapes = try shapes("rnn", ["layers": .number(3)])
        for (name, _) in shapes where name.hasSuffix("_l1") { shapes[name] = nil }
        #expect(try graph("rnn", shapes).parameters.map(\.name).contains("rnn.weight_hh_l1"))
    }

    // swift-format-ignore
    static let impossible: [(String, Shape?, String)] = [
        ("rnn.weight_hh_l0", [80, 21], "lstm: tensor 'rnn.weight_hh_l0' is 80×21 but needs 84 rows, 4 for each of its 21 columns"),
        ("rnn.weight_hh_l0", [60, 20], "lstm: tensor 'rnn.weight_hh_l0' is 60×20 but needs 80 rows, 4 for each of its 20 columns; these are the weights of 'gru'"),
        ("rnn.weight_hh_l0", [0, 0], "lstm: tensor 'rnn.weight_hh_l0' is 0×0 but needs rows and columns, 1 to 65536 of the latter"),
        ("rnn.weight_hh_l0", [80], "lstm: tensor 'rnn.weight_hh_l0' is 80 but needs rows and columns, 1 to 65536 of the latter"),
        ("rnn.weight_hh_l0", [.max, 20], "lstm: tensor 'rnn.weight_hh_l0' is \(Int.max)×20 but needs 80 rows, 4 for each of its 20 columns"),
        ("rnn.weight_hh_l0", [1 << 62, 1 << 60], "lstm: tensor 'rnn.weight_hh_l0' is \(1 << 62)×\(1 << 60) but needs rows and columns, 1 to 65536 of the latter"),
        ("rnn.weight_ih_l0", [80, 0], "lstm: tensor 'rnn.weight_ih_l0' is 80×0 but needs rows and columns, 1 to 65536 of the latter"),
        ("rnn.weight_ih_l0", [80, 1, 1], "lstm: tensor 'rnn.weight_ih_l0' is 80×1×1 but needs rows and columns, 1 to 65536 of the latter"),
        ("embedding.weight", [0, 6], "lstm: tensor 'embedding.weight' is 0×6 but needs rows and columns, 1 to 65536 of the latter"),
        ("embedding.weight", [1 << 40, 6], "lstm: tensor 'embedding.weight' has \(1 << 40) rows, more than 16777216"),
        ("rnn.weight_hr_l0", [10, 20], "lstm: tensor 'rnn.weight_hh_l0' is 80×20 but needs 4 rows for each hidden unit and 10 columns, the rows of 'rnn.weight_hr_l0'"),
        ("rnn.weight_hr_l0", [20, 20], "lstm: tensor 'rnn.weight_hr_l0' is 20×20 but a projection has fewer rows than columns"),
        ("rnn.weight_hr_l0", [10], "lstm: tensor 'rnn.weight_hr_l0' is 10 but needs rows and columns, 1 to 65536 of the latter"),
        ("head.weight", [0, 20], "lstm: expected 1 to 16777216 classes, found 0 rows in tensor 'head.weight'"),
    ]

    @Test(arguments: impossible)
    func `an impossible shape is named`(_ name: String, _ shape: Shape?, _ message: String) throws {
        var shapes = try shapes("lstm", ["hidden": .number(20), "embedding": .number(6)], input: .tokens(12))
        shapes[name] = shape
        #expect(refusal("lstm", shapes) == message)
    }

    @Test func `without the recurrent weights the input's give the size`() throws {
        var shapes = try shapes("lstm", ["hidden": .number(20), "embedding": .number(6)], input: .tokens(12))
        shapes["rnn.weight_hh_l0"] = nil
        shapes["rnn.weight_ih_l0"] = [81, 6]
        #expect(
            refusal("lstm", shapes)
                == "lstm: tensor 'rnn.weight_ih_l0' is 81×6 but needs 4 rows for each hidden unit"
        )
        shapes["rnn.weight_ih_l0"] = nil
        #expect(
            refusal("lstm", shapes)
                == "lstm: the hidden size is read from tensor 'rnn.weight_hh_l0', which is missing; the weights have"
                + " 'embedding.weight', 'head.bias', 'head.weight', 'rnn.bias_hh_l0', 'rnn.bias_ih_l0'"
        )
    }

    @Test func `an absurd number of layers asks for no memory`() throws {
        var shapes = try shapes("gru", ["hidden": .number(8)])
        shapes["rnn.weight_ih_l99999999999999999999"] = [24, 8]
        shapes["rnn.weight_ih_l1000000"] = [24, 8]
        shapes["rnn.weight_ih_l"] = [24, 8]
        #expect(try graph("gru", shapes).nodes.filter { $0.op is Recurrent }.count == 1)
    }

    @Test func `the vocabulary and the embedding must agree`() throws {
        let shapes = try shapes("rnn", ["embedding": .number(6)], input: .tokens(12))
        #expect(
            refusal("rnn", shapes, input: .tokens(13))
                == "rnn: the input has 13 tokens but tensor 'embedding.weight' is 12×6"
        )
        #expect(refusal("rnn", shapes, input: .tokens(12)) == nil)
        #expect(
            refusal("rnn", [:], input: .features(0))
                == "rnn: expected an input of 1 to 65536 tokens or features, found 0"
        )
        #expect(
            refusal("rnn", [:], input: .tokens(.max))
                == "rnn: expected an input of 1 to 16777216 tokens or features, found \(Int.max)"
        )
    }

    @Test func `each column of tokens has a table of its own`() throws {
        let shapes: [String: Shape] = [
            "embedding.weight": [12, 6], "embeddings.1.weight": [5, 3], "embeddings.2.weight": [7, 2],
            "rnn.weight_ih_l0": [24, 11], "rnn.weight_hh_l0": [24, 8], "head.weight": [4, 8],
        ]
        for input in [nil, SequenceInput.tokenColumns([12, 5, 7])] {
            let graph = try graph("gru", shapes, input: input)
            #expect(graph.inputShape == [1, 3])
            let found = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
            #expect(found.filter { !$0.key.hasPrefix("rnn.bias") && $0.key != "head.bias" } == shapes)
        }
        #expect(
            refusal("gru", shapes, input: .tokenColumns([12, 6, 7]))
                == "gru: the input has 6 tokens in column 1 but tensor 'embeddings.1.weight' is 5×3"
        )
        #expect(
            refusal("gru", [:], input: .tokenColumns([12, 0]))
                == "gru: expected an input of 1 to 16777216 tokens or features, found 0"
        )
    }

    @Test func `an option that contradicts the weights is refused`() throws {
        let shapes = try shapes("gru", ["hidden": .number(20)])
        #expect(refusal("gru", shapes, options: ["hidden": .number(20), "reset_after": .bool(false)]) == nil)
        #expect(
            refusal("gru", shapes, options: ["hidden": .number(21)])
                == "gru: option 'hidden' is 21 but the weights say 20; remove the option"
        )
        #expect(
            refusal("gru", shapes, options: ["bidirectional": .bool(true)])
                == "gru: option 'bidirectional' is true but the weights say false; remove the option"
        )
    }

    @Test func `a pooling of nil gives an output for each step`() throws {
        let configuration = ArchitectureConfiguration(classes: 5, pooling: nil, steps: 11)
        let graph = try Architecture.named("lstm").graph(configuration)
        #expect(graph.outputs.allSatisfy { graph.shape(of: $0.value) == [11, 5] })
        #expect(!graph.nodes.contains { $0.op is SequencePool })
    }

    /// Whatever a file says its shapes are, the answer is a graph whose sizes can be counted, or an error.
    @Test func `10 000 random sets of shapes cause no trap`() throws {
        var random = SeededGenerator(state: 20_26)
        let sizes = [-1, 0, 1, 2, 3, 4, 20, 60, 80, 65_536, 65_537, 1 << 18, 1 << 24, 1 << 40, .max]
        let cells = ["rnn", "lstm", "gru"]
        let options: [String: OptionValue] = [
            "hidden": .number(20), "layers": .number(2), "bidirectional": .bool(true),
        ]
        let whole = try cells.map { try shapes($0, options, input: .tokens(60)) }
        var graphs = 0
        for _ in 0..<10_000 {
            let cell = Int.random(in: 0..<3, using: &random)
            var shapes = whole[cell]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let name = shapes.keys.sorted().randomElement(using: &random) ?? ""
                let rank = [2, 2, 2, 2, 0, 1, 3].randomElement(using: &random) ?? 2
                shapes[name] = Shape((0..<rank).map { _ in sizes.randomElement(using: &random) ?? 0 })
                if Bool.random(using: &random) { shapes[name] = nil }
            }
            if let graph = try? graph(cells[cell], shapes) { // an error is the other good answer
                graphs += 1
                #expect(LayerTable(graph).totals.parameters > 0)
            }
        }
        #expect(graphs > 1_000 && graphs < 9_000, "\(graphs) graphs")
    }
}

/// Reproducible random numbers.
/// - Source: Knuth's MMIX linear congruential generator.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 33)
    }
}
