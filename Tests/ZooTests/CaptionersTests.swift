import Engine
import Testing
import Zoo

/// Captioners against PyTorch; `Fixtures/make_captions.py` has the same cases.
@Suite(.serialized) struct CaptionersTests {
    /// A network, named as in the fixture.
    struct Case: Sendable, CustomTestStringConvertible {
        let architecture: String
        let name: String
        var options: [String: OptionValue] = [:]
        let size: (height: Int, width: Int)
        /// Tensors that a file has otherwise than without weights, by name; nil where it has none.
        var shapes: [String: Shape?] = [:]

        var testDescription: String { "\(architecture) \(name)" }

        var configuration: ArchitectureConfiguration {
            get throws {
                let options = options.merging([
                    "extractor": .string(options["extractor"] == nil ? name : "resnet20")
                ]) { own, _ in own }
                var configuration = ArchitectureConfiguration(
                    classes: 19,
                    options: options.merging(["hidden": .number(24), "embedding": .number(10)]) { own, _ in
                        own
                    },
                    imageSize: size
                )
                guard !shapes.isEmpty else { return configuration }
                configuration.shapes = try self.shapes(of: configuration)
                configuration.options = options
                return configuration
            }
        }

        func graphs(_ configuration: ArchitectureConfiguration) throws -> (image: Graph, decoder: Graph) {
            let architecture = try Architecture.named(architecture)
            return (
                try architecture.graph(configuration),
                try #require(try architecture.decoderGraph(configuration))
            )
        }

        /// The tensors of a weights file.
        private func shapes(of configuration: ArchitectureConfiguration) throws -> [String: Shape] {
            let graphs = try graphs(configuration)
            var all: [String: Shape] = [:]
            for parameter in graphs.image.parameters + graphs.decoder.parameters {
                all[parameter.name] = parameter.shape
            }
            for (name, shape) in shapes { all[name] = shape }
            return all
        }
    }

    static let cases = [
        Case(architecture: "show_and_tell", name: "resnet20", size: (32, 32)),
        Case(architecture: "show_and_tell", name: "lenet5", size: (32, 32)),
        Case(architecture: "show_attend_tell", name: "resnet20", size: (40, 32)),
        Case(
            architecture: "show_attend_tell",
            name: "lenet5",
            size: (32, 32),
            shapes: [
                "beta.weight": [16, 24], "beta.bias": [16], "head.weight": [19, 24],
                "deep.h.weight": nil, "deep.h.bias": nil, "deep.z.weight": nil, "deep.z.bias": nil,
            ]
        ),
        Case(
            architecture: "show_attend_tell",
            name: "layer2",
            options: ["extractor": .string("resnet20"), "feature": .string("layer2.2.sum1")],
            size: (16, 16)
        ),
    ]

    private static let pool = WorkerPool(threads: 2)
    private static let seed: UInt64 = 7
    private static let start: Float = 1

    private static func session(_ graph: Graph) -> Session {
        Session(graph: graph, weights: Weights(synthetic: seed, for: graph), pool: pool)
    }

    private static func array(_ span: Span<Float>) -> [Float] { span.indices.map { span[$0] } }

    private func expect(_ found: [Float], _ expected: [Float], _ what: String) {
        let largest = expected.map(\.magnitude).max() ?? 0
        let worst = zip(found, expected).map { ($0 - $1).magnitude }.max() ?? .infinity
        #expect(found.count == expected.count, "\(what)")
        #expect(worst <= 1e-5 * largest, "\(what) off by \(worst), the largest is \(largest)")
    }

    @Test(arguments: cases)
    func `memory, logits and attention equal PyTorch's`(_ row: Case) throws {
        let fixture = try Fixtures.captions()
        func expected(_ part: String) throws -> Tensor {
            try fixture.tensor("\(row.testDescription) \(part)")
        }
        let graphs = try row.graphs(row.configuration)
        let looks = row.architecture == "show_attend_tell"
        let image = SyntheticWeights.tensor("input", graphs.image.inputShape, seed: Self.seed)
        let reader = Self.session(graphs.image)
        try reader.prepare(inputShape: graphs.image.inputShape, batch: 1)
        image.withSpan { reader.setInput(0, to: $0) }
        try #require(reader.run())
        let memory = reader.withOutput("logits", item: 0, Self.array)
        let begun = ["h", "c"].flatMap { reader.withOutput($0, item: 0, Self.array) }
        let width = graphs.decoder.inputShape[1]
        let rows = stride(from: 0, to: memory.count, by: 5 * width).flatMap { memory[$0..<$0 + width] }
        expect(rows, try expected("memory").values, "memory")
        expect(begun, try expected("state").values, "state")

        let tokens = try expected("greedy").values
        let decoder = Self.session(graphs.decoder)
        try decoder.prepare(inputShape: [memory.count / width, width], batch: 1)
        var state = [Self.start] + begun
        var (logits, attention): ([Float], [Float]) = ([], [])
        for token in tokens {
            decoder.setInput(0, to: memory.span)
            decoder.setState(0, to: state.span)
            try #require(decoder.run())
            logits += decoder.withOutput("logits", item: 0, Self.array)
            if looks { attention += decoder.withOutput("attention", item: 0, Self.array) }
            state = decoder.withState(0, Self.array)
            state[0] = token
        }
        expect(logits, try expected("logits").values, "logits")
        if looks { expect(attention, try expected("attention").values, "attention") }
    }

    @Test func `the fixture has five tensors for each case and no other`() throws {
        let parts = ["attention", "greedy", "logits", "memory", "state"]
        let names = Self.cases.flatMap { row in parts.map { "\(row.testDescription) \($0)" } }
        #expect(try Fixtures.captions().shapes.keys.sorted() == names.sorted())
    }

    /// Options and shapes, and the error that names what is wrong.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let options: [String: OptionValue]
        var shapes: [String: Shape] = [:]
        let message: String
        var testDescription: String { message }
    }

    static let refusals = [
        Refusal(
            options: ["extractor": .string("lstm")],
            message: "show_attend_tell: extractor 'lstm' takes no images"
        ),
        Refusal(
            options: ["extractor": .string("show_and_tell")],
            message: "show_attend_tell: extractor 'show_and_tell' takes no images"
        ),
        Refusal(
            options: ["extractor": .string("resnet20"), "feature": .string("layer2.3.sum1")],
            message:
                "show_attend_tell: extractor 'resnet20' has no value 'layer2.3.sum1'; did you mean 'layer2.0.sum1'?"
        ),
        Refusal(
            options: ["extractor": .string("resnet20"), "feature": .string("flatten1")],
            message: "show_attend_tell: extractor 'resnet20' has 64 at 'flatten1', which is no map"
        ),
        Refusal(
            options: ["extractor": .string("resnet20")],
            shapes: ["head.weight": [19, 24]],
            message: "show_attend_tell: the weights have no tensor whose name begins with 'decoder.'"
        ),
        Refusal(
            options: ["extractor": .string("resnet20")],
            shapes: ["decoder.rnn.weight_ih_l0": [96, 10], "decoder.rnn.weight_ih_l1": [96, 24]],
            message: "show_attend_tell: the decoder is one LSTM that reads forwards, without a projection"
        ),
    ]

    @Test(arguments: refusals)
    func `what cannot be a captioner is refused`(_ row: Refusal) throws {
        let architecture = try Architecture.named("show_attend_tell")
        let configuration = ArchitectureConfiguration(options: row.options, shapes: row.shapes)
        let error = #expect(throws: ArchitectureError.self) { try architecture.graph(configuration) }
        #expect(error?.description == row.message)
    }
}
