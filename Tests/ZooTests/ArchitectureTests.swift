import Engine
import Testing
import Zoo

struct ArchitectureTests {
    /// The message of the error that a configuration gives, or nil when there is a graph.
    private func refusal(_ name: String, _ configuration: ArchitectureConfiguration) throws -> String? {
        let architecture = try Architecture.named(name)
        do {
            _ = try architecture.graph(configuration)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `an unknown name is refused with the nearest`() {
        #expect(throws: ArchitectureError.unknownArchitecture("resnet5", nearest: "resnet50")) {
            try Architecture.named("resnet5")
        }
        #expect(
            ArchitectureError.unknownArchitecture("resnet5", nearest: "resnet50").description
                == "unknown architecture 'resnet5'; did you mean 'resnet50'?"
        )
        #expect(throws: ArchitectureError.unknownArchitecture("transformer", nearest: nil)) {
            try Architecture.named("transformer")
        }
    }

    // swift-format-ignore
    static let wrongOptions: [(String, [String: OptionValue], String)] = [
        ("alexnet_2012", ["lnr": .object([:])], "alexnet_2012: unknown option 'lnr'; did you mean 'lrn'?"),
        ("alexnet_2012", ["lrn": .object(["alhpa": .number(1)])], "alexnet_2012: unknown option 'lrn.alhpa'; did you mean 'lrn.alpha'?"),
        ("alexnet_2012", ["lrn": .number(5)], "alexnet_2012: option 'lrn' must be an object with alpha, beta, k, size, not 5"),
        ("alexnet_2012", ["lrn": .object(["size": .number(2.5)])], "alexnet_2012: option 'lrn.size' must be a whole number from 1 to 255, not 2.5"),
        ("alexnet_2012", ["lrn": .object(["size": .number(1e300)])], "alexnet_2012: option 'lrn.size' must be a whole number from 1 to 255, not 1e+300"),
        ("alexnet_2012", ["lrn": .object(["alpha": .number(.nan)])], "alexnet_2012: option 'lrn.alpha' must be a number from 0.0 to 1000000.0, not nan"),
        ("resnet20", ["shortcut": .string("C")], #"resnet20: option 'shortcut' must be "A" or "B", not "C""#),
        ("resnet20", ["shortcut": .bool(true)], #"resnet20: option 'shortcut' must be "A" or "B", not true"#),
        ("resnet50", ["shortcut": .string("A")], "resnet50: unknown option 'shortcut'; there are none"),
        ("gru", ["reset_after": .string("no")], #"gru: option 'reset_after' must be true or false, not "no""#),
        ("lstm", ["reset_after": .bool(true)], "lstm: unknown option 'reset_after'; there are 'bidirectional', 'embedding', 'hidden', 'layers', 'projection'"),
        ("lstm", ["hidden": .number(0)], "lstm: option 'hidden' must be a whole number from 1 to 65536, not 0"),
        ("lstm", ["hidden": .array([])], "lstm: option 'hidden' must be a whole number from 1 to 65536, not an array"),
    ]

    @Test(arguments: wrongOptions)
    func `a wrong option is named`(_ name: String, _ options: [String: OptionValue], _ message: String) throws
    {
        #expect(try refusal(name, ArchitectureConfiguration(options: options)) == message)
    }

    @Test func `options change the layers`() throws {
        let options: [String: OptionValue] = ["lrn": .object(["alpha": .number(0.5), "size": .number(3)])]
        let graph = try Architecture.named("alexnet_2012").graph(ArchitectureConfiguration(options: options))
        let norms = graph.nodes.compactMap { $0.op as? LocalResponseNorm }
        #expect(norms.count == 2)
        #expect(norms.allSatisfy { $0.alpha == 0.5 && $0.size == 3 && $0.beta == 0.75 && $0.k == 2 })
    }

    @Test func `classes are those of the last layer's rows`() throws {
        let shapes: [String: Shape] = ["fc.weight": [37, 512], "fc.bias": [37]]
        let architecture = try Architecture.named("resnet18")
        let graph = try architecture.graph(ArchitectureConfiguration(shapes: shapes))
        #expect(graph.shape(of: graph.outputs[0].value) == [37])
        let same = try architecture.graph(ArchitectureConfiguration(classes: 37, shapes: shapes))
        #expect(same.parameters == graph.parameters)
        let chosen = try architecture.graph(ArchitectureConfiguration(classes: 5))
        #expect(chosen.parameters.last?.shape == [5])
    }

    @Test func `classes that are not the weights' are refused`() throws {
        let shapes: [String: Shape] = ["fc8.weight": [37, 4096]]
        #expect(
            try refusal("alexnet_2012", ArchitectureConfiguration(classes: 1000, shapes: shapes))
                == "alexnet_2012: classes is 1000 but tensor 'fc8.weight' is 37×4096, so the weights have 37"
        )
        let none = "lenet5: expected 1 to 16777216 classes, found 0"
        #expect(try refusal("lenet5", ArchitectureConfiguration(classes: 0)) == none)
        #expect(
            try refusal("lenet5", ArchitectureConfiguration(shapes: ["fc3.weight": [0, 84]]))
                == none + " rows in tensor 'fc3.weight'"
        )
        let absurd = try refusal("lenet5", ArchitectureConfiguration(shapes: ["fc3.weight": [.max, 0]]))
        #expect(
            absurd == "lenet5: expected 1 to 16777216 classes, found \(Int.max) rows in tensor 'fc3.weight'"
        )
        let scalar = try refusal("lenet5", ArchitectureConfiguration(shapes: ["fc3.weight": []]))
        #expect(scalar == nil) // a misshapen tensor, which the comparison with the weights lists
    }

    @Test(arguments: ["resnet18", "resnet50", "resnet20", "alexnet"])
    func `a network with a fixed pool takes other sizes with the same weights`(_ name: String) throws {
        let architecture = try Architecture.named(name)
        let graph = try architecture.graph(ArchitectureConfiguration(imageSize: (448, 320)))
        #expect(graph.inputShape == [3, 448, 320])
        #expect(graph.parameters == (try architecture.graph().parameters))
    }

    @Test func `a linear layer that no longer fits is named`() throws {
        #expect(
            try refusal("alexnet_2012", ArchitectureConfiguration(imageSize: (300, 300)))
                == "alexnet_2012: cannot take images of 300×300: fc6: linear: expected 9216 values, found 16384"
        )
        #expect(
            try refusal("lenet5", ArchitectureConfiguration(imageSize: (28, 28)))
                == "lenet5: cannot take images of 28×28: fc1: linear: expected 400 values, found 256"
        )
    }

    @Test func `an image size that no layer can take is refused`() throws {
        let small = try refusal("alexnet", ArchitectureConfiguration(imageSize: (8, 300)))
        #expect(
            small?.hasPrefix("alexnet: cannot take images of 8×300: features.") == true,
            "\(small ?? "accepted")"
        )
        for size in [(0, 224), (224, -1), (1 << 40, 224)] {
            let message = try refusal("resnet18", ArchitectureConfiguration(imageSize: size))
            #expect(
                message
                    == "resnet18: expected an image with sides of 1 to 16384, found \(size.0)×\(size.1)"
            )
        }
    }

    @Test func `images and sequences are not confused`() throws {
        #expect(
            try refusal("resnet18", ArchitectureConfiguration(sequenceInput: .tokens(10)))
                == "resnet18: takes images, not sequences; remove the input of tokens or features"
        )
        #expect(
            try refusal("gru", ArchitectureConfiguration(imageSize: (224, 224)))
                == "gru: takes sequences, not images; remove the image size"
        )
    }

    @Test func `only counters of batches are ignored`() throws {
        let architecture = try Architecture.named("resnet18")
        #expect(architecture.ignores("layer1.0.bn1.num_batches_tracked"))
        #expect(!architecture.ignores("layer1.0.bn1.running_mean"))
        #expect(!architecture.ignores("my_num_batches_tracked"))
    }
}
