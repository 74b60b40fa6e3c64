import Engine
import Testing
import Zoo

/// Networks over frames: what becomes of an image network, and what is refused as one.
struct FeatureExtractorTests {
    private let architecture: Architecture

    init() throws {
        architecture = try Architecture.named("cnn_rnn")
    }

    private func refusal(_ configuration: ArchitectureConfiguration) -> String? {
        do {
            _ = try architecture.graph(configuration)
            return nil
        } catch {
            return error.description
        }
    }

    /// The tensors of both networks.
    private func shapes(_ configuration: ArchitectureConfiguration) throws -> [String: Shape] {
        let extractor = try #require(try architecture.extractor(configuration))
        let parameters = try extractor.graph.parameters + architecture.graph(configuration).parameters
        return Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
    }

    @Test(arguments: Architecture.all.filter(\.takesImages).map(\.name))
    func `has the network's tensors but those of its last linear layer`(_ name: String) throws {
        let whole = try Architecture.named(name).graph()
        let configuration = ArchitectureConfiguration(options: ["extractor": .string(name)])
        let head = try #require(whole.nodes.last { !$0.op.parameters.isEmpty })
        guard let linear = head.op as? Linear else {
            let problem =
                "extractor '\(name)' has no features: it ends in '\(head.name)', which is not a linear layer"
            #expect(refusal(configuration) == "cnn_rnn: \(problem)")
            return
        }
        let extractor = try #require(try architecture.extractor(configuration))
        let names = whole.parameters.map(\.name).filter { !$0.hasPrefix(head.name + ".") }
        #expect(extractor.graph.parameters.map(\.name) == names.map { "cnn." + $0 })
        #expect(extractor.features == linear.inputs)
        #expect(try architecture.graph(configuration).inputShape == [1, linear.inputs])
    }

    @Test(arguments: [
        ("resnet18", 512), ("vgg16", 4096), ("alexnet", 4096), ("googlenet", 1024), ("resnet20", 64),
    ])
    func `features are what the classifier saw`(_ name: String, features: Int) throws {
        let configuration = ArchitectureConfiguration(options: ["extractor": .string(name)])
        #expect(try architecture.extractor(configuration)?.features == features)
        #expect(try architecture.graph(configuration).parameters.first?.shape == [1024, features])
    }

    @Test func `features may be any value by name, and what comes after it is left out`() throws {
        let architecture = try Architecture.named("rcnn")
        func extractor(_ name: String, _ feature: String, side: Int) throws -> FeatureExtractor {
            let configuration = ArchitectureConfiguration(
                options: ["extractor": .string(name), "feature": .string(feature)],
                imageSize: (side, side)
            )
            let extractor = try #require(try architecture.extractor(configuration))
            #expect(try architecture.graph(configuration).inputShape == [extractor.features])
            return extractor
        }
        let whole = try Architecture.named("resnet20").graph()
        let map = try extractor("resnet20", "layer3.2.sum1", side: 24)
        #expect(map.features == 64 * 6 * 6)
        #expect(
            map.graph.parameters.map(\.name)
                == whole.parameters.map(\.name).filter { !$0.hasPrefix("fc.") }.map { "cnn." + $0 }
        )
        // One branch of a module needs none of the others.
        let branch = try extractor("googlenet", "inception3a.branch2.1.conv", side: 64)
        let names = branch.graph.nodes.map(\.name)
        #expect(names.contains { $0.hasPrefix("cnn.inception3a.branch2") })
        #expect(!names.contains { $0.hasPrefix("cnn.inception3a.branch1") })
        let error = #expect(throws: ArchitectureError.self) { try extractor("resnet20", "layer4", side: 32) }
        let message = error?.description ?? ""
        #expect(message.contains("extractor 'resnet20' has no value 'layer4'"))
    }

    @Test func `only a network over frames or regions has an extractor`() throws {
        for name in ["resnet18", "lstm"] { #expect(try Architecture.named(name).extractor() == nil) }
    }

    @Test func `names and shapes of the recurrent part are PyTorch's`() throws {
        let options: [String: OptionValue] = [
            "extractor": .string("lenet5"), "cell": .string("gru"), "hidden": .number(20),
        ]
        #expect(
            try shapes(ArchitectureConfiguration(classes: 7, options: options)) == [
                "cnn.conv1.weight": [6, 1, 5, 5], "cnn.conv1.bias": [6],
                "cnn.conv2.weight": [16, 6, 5, 5], "cnn.conv2.bias": [16],
                "cnn.fc1.weight": [120, 400], "cnn.fc1.bias": [120],
                "cnn.fc2.weight": [84, 120], "cnn.fc2.bias": [84],
                "rnn.weight_ih_l0": [60, 84], "rnn.weight_hh_l0": [60, 20],
                "rnn.bias_ih_l0": [60], "rnn.bias_hh_l0": [60], "head.weight": [7, 20], "head.bias": [7],
            ]
        )
    }

    @Test func `sizes of the recurrent part are read from the shapes`() throws {
        let sizes: [String: OptionValue] = [
            "hidden": .number(20), "layers": .number(2), "bidirectional": .bool(true),
        ]
        let extractor: [String: OptionValue] = ["extractor": .string("vgg11")]
        let made = ArchitectureConfiguration(classes: 7, options: sizes.merging(extractor) { $1 })
        let shapes = try shapes(made)
        #expect(try self.shapes(ArchitectureConfiguration(options: extractor, shapes: shapes)) == shapes)
    }

    @Test func `the names that the file has choose the library`() throws {
        let configuration = ArchitectureConfiguration(
            options: ["extractor": .string("vgg11")],
            shapes: ["cnn.pre_logits.fc1.weight": [4096, 512, 7, 7], "rnn.weight_hh_l0": [80, 20]]
        )
        let extractor = try #require(try architecture.extractor(configuration))
        #expect(extractor.graph.parameters.last?.name == "cnn.pre_logits.fc2.bias")
    }

    @Test func `only what the network itself ignores is ignored`() throws {
        let configuration = ArchitectureConfiguration(options: ["extractor": .string("googlenet")])
        let extractor = try #require(try architecture.extractor(configuration))
        #expect(extractor.ignores("cnn.aux1.fc1.weight"))
        #expect(extractor.ignores("cnn.conv1.bn.num_batches_tracked"))
        for name in ["aux1.fc1.weight", "cnn.fc.weight", "rnn.aux1.weight"] {
            #expect(!extractor.ignores(name))
        }
    }

    // swift-format-ignore
    static let refusals: [(ArchitectureConfiguration, String)] = [
        (.init(options: ["extractor": .string("resnet81")]), "unknown architecture 'resnet81'; did you mean 'resnet18'?"),
        (.init(options: ["extractor": .string("lstm")]), "cnn_rnn: extractor 'lstm' takes no images"),
        (.init(options: ["extractor": .string("cnn_rnn")]), "cnn_rnn: extractor 'cnn_rnn' takes no images"),
        (.init(options: ["extractor": .bool(true)]), "cnn_rnn: option 'extractor' must be a string, not true"),
        (.init(options: ["extractor_options": .number(1)]), "cnn_rnn: option 'extractor_options' must be an object, not 1"),
        (.init(options: ["extractor_options": .object(["lrn": .number(1)])]), "resnet18: unknown option 'lrn'; there are none"),
        (.init(options: ["cell": .string("elman")]), #"cnn_rnn: option 'cell' must be "rnn" or "lstm" or "gru", not "elman""#),
        (.init(options: ["embedding": .number(3)]), "cnn_rnn: unknown option 'embedding'; there are 'bidirectional', 'cell', 'extractor', 'extractor_options', 'feature', 'hidden', 'layers', 'nonlinearity', 'projection', 'reset_after'"),
        (.init(options: ["reset_after": .bool(true)]), "cnn_rnn: unknown option 'reset_after'; there are 'bidirectional', 'cell', 'extractor', 'extractor_options', 'feature', 'hidden', 'layers', 'projection'"),
        (.init(shapes: ["rnn.weight_hh_l0": [80, 20]]), "cnn_rnn: option 'extractor' is missing, the image network of the tensors 'cnn.…', such as 'resnet18'"),
        (.init(options: ["extractor": .string("resnet18")], shapes: ["rnn.weight_hh_l0": [60, 20]]), "lstm: tensor 'rnn.weight_hh_l0' is 60×20 but needs 80 rows, 4 for each of its 20 columns; these are the weights of 'gru'"),
        (.init(options: ["extractor": .string("lenet5")], imageSize: (28, 28)), "lenet5: cannot take images of 28×28: fc1: linear: expected 400 values, found 256"),
        (.init(imageSize: (0, 224)), "resnet18: expected an image with sides of 1 to 16384, found 0×224"),
        (.init(sequenceInput: .features(512)), "cnn_rnn: takes images, not sequences; remove the input of tokens or features"),
        (.init(steps: 0), "cnn_rnn: expected 1 to 1048576 steps, found 0"),
    ]

    @Test(arguments: refusals)
    func `says what is wrong`(_ configuration: ArchitectureConfiguration, _ message: String) {
        #expect(refusal(configuration) == message)
    }
}
