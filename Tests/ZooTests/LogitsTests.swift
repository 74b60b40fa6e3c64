import Engine
import Foundation
import Testing
import Zoo

/// Whole networks with synthetic weights against PyTorch; `Fixtures/make_logits.py` has the same cases.
///
/// Of networks that are one table of several widths and depths, the smallest stands for all: that the sizes of the others are
/// their libraries' is what LibraryTests holds them to.
@Suite(.serialized) struct LogitsTests {
    /// Of the largest logit.
    static let tolerance: Float = 1e-4
    static let seed: UInt64 = 7

    /// A network, named as in the fixture, and what the fixture's item is.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let architecture: String
        var classes: Int?
        var options: [String: OptionValue] = [:]
        /// What the weights file holds, where the names depend on it.
        var shapes: [String: Shape] = [:]
        var imageSize: [Int]?
        var input: SequenceInput?
        var pooling: SequencePool.Kind? = .last
        var steps = 1
        /// The factor on the weights; `GAINS` of the script says why.
        var gain = 1.0

        var testDescription: String { name }

        static func image(
            _ name: String,
            _ architecture: String? = nil,
            classes: Int? = nil,
            options: [String: OptionValue] = [:],
            shapes: [String: Shape] = [:],
            imageSize: [Int]? = nil,
            gain: Double = 1
        ) -> Case {
            Case(
                name: name,
                architecture: architecture ?? name,
                classes: classes,
                options: options,
                shapes: shapes,
                imageSize: imageSize,
                gain: gain
            )
        }

        static func sequence(
            _ name: String,
            _ architecture: String,
            _ input: SequenceInput,
            embedding: Int? = nil,
            hidden: Int,
            layers: Int = 1,
            both: Bool = false,
            resetAfter: Bool? = nil,
            _ pooling: SequencePool.Kind?,
            classes: Int,
            steps: Int
        ) -> Case {
            var options: [String: OptionValue] = [
                "hidden": .number(Double(hidden)), "layers": .number(Double(layers)),
                "bidirectional": .bool(both),
            ]
            if let embedding { options["embedding"] = .number(Double(embedding)) }
            if let resetAfter { options["reset_after"] = .bool(resetAfter) }
            return Case(
                name: name,
                architecture: architecture,
                classes: classes,
                options: options,
                input: input,
                pooling: pooling,
                steps: steps
            )
        }

        func graph() throws -> Graph {
            let configuration = ArchitectureConfiguration(
                classes: classes,
                options: options,
                shapes: shapes,
                imageSize: imageSize.map { ($0[0], $0[1]) },
                sequenceInput: input,
                pooling: pooling,
                steps: steps
            )
            return try Architecture.named(architecture).graph(configuration)
        }

        /// The item of the fixture; a token is the vocabulary's size times u, which `input` has as 4u − 2.
        func item(for graph: Graph) -> [Float] {
            let values = SyntheticWeights.tensor("input", graph.inputShape, seed: LogitsTests.seed).values
            guard case .tokens(let size)? = input else { return values }
            let uniform = SyntheticWeights.tensor("input", [steps, 1], seed: LogitsTests.seed).values
            return uniform.map { Float(((Double($0) + 2) / 4 * Double(size)).rounded(.down)) }
        }
    }

    static let loud: [String: OptionValue] = [
        "lrn": .object(["size": .number(3), "alpha": .number(0.05), "beta": .number(0.6), "k": .number(1)])
    ]

    // swift-format-ignore
    static let images: [Case] = [
        .image("lenet5"),
        .image("alexnet_2012", gain: 4),
        .image("alexnet_2012 lrn", "alexnet_2012", options: loud),
        .image("alexnet"),
        .image("alexnet 256x320", "alexnet", imageSize: [256, 320]),
        .image("resnet18"), .image("resnet34"), .image("resnet50"),
        .image("resnet18 97x130", "resnet18", imageSize: [97, 130]),
        .image("resnet50 timm", "resnet50", imageSize: [64, 64]),
        .image("resnet20"), .image("resnet32"), .image("resnet44"), .image("resnet56"), .image("resnet110"),
        .image("resnet20 B", "resnet20", options: ["shortcut": .string("B")]),
        .image("resnet110 B", "resnet110", options: ["shortcut": .string("B")]),
        .image("lenet5_1998"),
        .image("caffenet", gain: 8),
        .image("vgg11", imageSize: [64, 64]),
        .image("vgg11_bn", imageSize: [64, 64]),
        .image("vgg16_bn", imageSize: [64, 64]),
        .image("vgg11 timm", "vgg11", shapes: ["head.fc.weight": [1000, 4096]]),
        .image("vgg16_bn timm", "vgg16_bn", shapes: ["head.fc.weight": [1000, 4096]]),
        .image("nin"),
        .image("nin_cifar10"),
        .image("googlenet", imageSize: [97, 97], gain: 1.5),
        .image("googlenet transformed", "googlenet", options: ["transform_input": .bool(true)], imageSize: [97, 97], gain: 1.5),
        .image("googlenet_2014", imageSize: [97, 97], gain: 4),
        .image("bn_inception", imageSize: [97, 97], gain: 1.5),
        .image("inception_v3", imageSize: [107, 107], gain: 1.5),
        .image("inception_v3 transformed", "inception_v3", options: ["transform_input": .bool(true)], imageSize: [107, 107], gain: 1.5),
        .image("inception_v3 timm", "inception_v3", imageSize: [107, 107], gain: 1.5),
        .image("inception_v2", imageSize: [107, 107], gain: 1.5),
        .image("inception_v4", imageSize: [107, 107], gain: 1.5),
        .image("inception_resnet_v2", imageSize: [107, 107], gain: 1.5),
        .image("inception_resnet_v2 pretrainedmodels", "inception_resnet_v2", shapes: ["last_linear.weight": [1000, 1536]], imageSize: [107, 107], gain: 1.5),
        .image("inception_resnet_v1", classes: 100, imageSize: [107, 107], gain: 1.5),
        .image("wide_resnet50_2", imageSize: [64, 64]),
        .image("resnext50_32x4d", imageSize: [64, 64]),
        .image("resnext50_32x4d timm", "resnext50_32x4d", imageSize: [64, 64]),
        .image("resnext29_8x64d"),
        .image("densenet121", imageSize: [64, 64]),
        .image("densenet161", imageSize: [64, 64]),
        .image("densenet121 timm", "densenet121", imageSize: [64, 64]),
        .image("densenet121 old", "densenet121", shapes: ["features.denseblock1.denselayer1.norm.1.weight": [64]], imageSize: [64, 64]),
        .image("densenet40_k12"),
        .image("densenet100_bc_k12"),
        .image("squeezenet1_0", imageSize: [97, 97], gain: 1.5),
        .image("squeezenet1_1", imageSize: [97, 97], gain: 1.5),
        .image("mobilenet_v1", imageSize: [97, 97], gain: 2),
        .image("mobilenet_v2", imageSize: [97, 97], gain: 1.5),
        .image("mobilenet_v2 timm", "mobilenet_v2", shapes: ["blocks.0.0.conv_dw.weight": [32, 1, 3, 3]], imageSize: [97, 97], gain: 1.5),
        .image("shufflenet_v2_x1_0", imageSize: [97, 97]),
        .image("shufflenet_v2_x0_5", imageSize: [97, 97]),
        .image("mnasnet0_5", imageSize: [97, 97], gain: 1.5),
        .image("mnasnet1_0", imageSize: [97, 97], gain: 1.5),
        .image("regnet_y_400mf", imageSize: [64, 64]),
        .image("regnet_y_800mf", imageSize: [64, 64]),
        .image("regnet_x_400mf", imageSize: [64, 64]),
        .image("regnet_x_3_2gf", imageSize: [64, 64]),
        .image("efficientnet_b0", imageSize: [97, 97], gain: 2),
        .image("efficientnet_b2", imageSize: [97, 97], gain: 2),
        .image("efficientnet_b5", imageSize: [64, 64], gain: 2),
        .image("efficientnet_b0 timm", "efficientnet_b0", shapes: ["blocks.0.0.conv_dw.weight": [32, 1, 3, 3]], imageSize: [97, 97], gain: 2),
        .image("efficientnet_b5 timm", "efficientnet_b5", shapes: ["blocks.0.0.conv_dw.weight": [48, 1, 3, 3]], imageSize: [64, 64], gain: 2),
        .image("efficientnet_v2_s", imageSize: [64, 64], gain: 2),
        .image("mobilenet_v3_large", imageSize: [97, 97], gain: 2),
        .image("mobilenet_v3_large timm", "mobilenet_v3_large", shapes: ["blocks.0.0.conv_dw.weight": [16, 1, 3, 3]], imageSize: [97, 97], gain: 2),
        .image("mobilenet_v3_small", imageSize: [97, 97], gain: 2),
        .image("mobilenet_v3_small timm", "mobilenet_v3_small", shapes: ["blocks.0.0.conv_dw.weight": [16, 1, 3, 3]], imageSize: [97, 97], gain: 2),
        .image("resnet18d", imageSize: [64, 64]),
        .image("resnet26d", imageSize: [64, 64]),
        .image("resnet50d", imageSize: [64, 64]),
        .image("resnet50d 97x130", "resnet50d", imageSize: [97, 130]),
        .image("seresnet18", imageSize: [64, 64]),
        .image("seresnet50", imageSize: [64, 64]),
        .image("xception", imageSize: [107, 107]),
        .image("xception pretrainedmodels", "xception", shapes: ["last_linear.weight": [1000, 2048]], imageSize: [107, 107]),
        .image("convnext_tiny", imageSize: [64, 64]),
        .image("convnext_tiny timm", "convnext_tiny", shapes: ["stages.0.blocks.0.gamma": [96]], imageSize: [64, 64]),
        .image("convnext_atto", imageSize: [64, 64]),
        .image("convnext_femto_ols", imageSize: [64, 64]),
        .image("convnextv2_atto", imageSize: [64, 64]),
        .image("convnextv2_tiny", imageSize: [64, 64]),
        .image("regnet_y_400mf timm", "regnet_y_400mf", shapes: ["s1.b1.conv1.bn.weight": [48]], imageSize: [64, 64]),
        .image("regnetx_002", imageSize: [97, 97]),
        .image("regnety_002", imageSize: [64, 64]),
        .image("resnet26t", imageSize: [64, 64]),
        .image("resnet50s", imageSize: [64, 64]),
        .image("resnetrs50", imageSize: [64, 64]),
        .image("ecaresnet26t", imageSize: [97, 97]),
        .image("ecaresnetlight", imageSize: [64, 64]),
        .image("seresnext26d_32x4d", imageSize: [64, 64]),
        .image("seresnet50t", imageSize: [64, 64]),
        .image("res2net50_14w_8s", imageSize: [64, 64]),
        .image("res2net50d", imageSize: [64, 64]),
        .image("res2next50", imageSize: [97, 97]),
        .image("mobilenetv2_035", imageSize: [97, 97], gain: 1.5),
        .image("mobilenetv2_110d", imageSize: [64, 64], gain: 1.5),
        .image("mnasnet_small", imageSize: [97, 97]),
        .image("semnasnet_075", imageSize: [64, 64], gain: 2),
        .image("spnasnet_100", imageSize: [64, 64], gain: 1.5),
        .image("fbnetc_100", imageSize: [64, 64], gain: 1.5),
        .image("tinynet_d", imageSize: [97, 97], gain: 2),
        .image("lcnet_050", imageSize: [97, 97], gain: 1.5),
        .image("tf_mobilenetv3_small_100", imageSize: [97, 97], gain: 2),
        .image("tf_mobilenetv3_large_minimal_100", imageSize: [64, 64], gain: 2),
        .image("mobilenetv3_small_050", imageSize: [64, 64], gain: 2),
        .image("mobilenetv3_large_150d", imageSize: [64, 64], gain: 2),
        .image("fbnetv3_b", imageSize: [64, 64], gain: 2),
        .image("mobilenetv4_conv_small", imageSize: [97, 97], gain: 1.5),
        .image("mobilenetv4_conv_medium", imageSize: [64, 64], gain: 1.5),
        .image("tf_efficientnet_b0", imageSize: [97, 97], gain: 2),
        .image("tf_efficientnet_b0 64x90", "tf_efficientnet_b0", imageSize: [64, 90], gain: 2),
        .image("efficientnet_lite0", imageSize: [64, 64], gain: 1.5),
        .image("tf_efficientnet_es", imageSize: [97, 97], gain: 2),
        .image("efficientnet_v2_s timm", "efficientnet_v2_s", shapes: ["blocks.0.0.conv.weight": [24]], imageSize: [64, 64], gain: 2),
        .image("tf_efficientnetv2_b0", imageSize: [64, 64], gain: 2),
        .image("efficientnetv2_rw_t", imageSize: [64, 64], gain: 2),
        .image("ghostnet_100", imageSize: [97, 97], gain: 1.5),
        .image("hrnet_w18_small", imageSize: [64, 64]),
        .image("hrnet_w18_small_v2", imageSize: [64, 64]),
        .image("dla34", imageSize: [64, 64]),
        .image("dla46x_c", imageSize: [64, 64]),
        .image("dla60_res2next", imageSize: [64, 64]),
        .image("dla102", imageSize: [64, 64]),
        .image("ese_vovnet19b_dw", imageSize: [97, 97], gain: 1.5),
        .image("ese_vovnet39b", imageSize: [64, 64], gain: 1.5),
        .image("selecsls42b", imageSize: [97, 97], gain: 1.5),
        .image("repvgg_a0", imageSize: [64, 64]),
        .image("rexnet_100", imageSize: [97, 97], gain: 1.5),
        .image("rexnetr_200", imageSize: [64, 64], gain: 1.5),
        .image("cspresnet50d", imageSize: [64, 64]),
        .image("cspresnext50", imageSize: [64, 64]),
        .image("cspdarknet53", imageSize: [64, 64]),
        .image("darknet53", imageSize: [64, 64]),
        .image("xception41", imageSize: [97, 97]),
        .image("xception41p", imageSize: [64, 64]),
        .image("dpn68", imageSize: [64, 64]),
        .image("dpn68b", imageSize: [97, 97]),
        .image("mixnet_s", imageSize: [97, 97], gain: 1.25),
        .image("tf_mixnet_s", imageSize: [64, 64], gain: 1.25),
        .image("resnetv2_18", imageSize: [97, 97]),
        .image("resnetv2_50", imageSize: [64, 64]),
        .image("resnetv2_50d", imageSize: [97, 97]),
        .image("hardcorenas_a", imageSize: [64, 64], gain: 2),
        .image("hardcorenas_f", imageSize: [97, 97], gain: 2),
        .image("hgnet_tiny", imageSize: [97, 97], gain: 1.5),
        .image("resnetaa50", imageSize: [64, 64]),
        .image("seresnextaa101d_32x8d", imageSize: [64, 64]),
    ]

    // swift-format-ignore
    static let sequences: [Case] = [
        .sequence("rnn last", "rnn", .tokens(50), embedding: 12, hidden: 40, .last, classes: 7, steps: 19),
        .sequence("rnn features 2 both mean", "rnn", .features(5), hidden: 33, layers: 2, both: true, .mean, classes: 3, steps: 23),
        .sequence("lstm last", "lstm", .tokens(50), embedding: 16, hidden: 48, .last, classes: 7, steps: 31),
        .sequence("lstm 2 both last", "lstm", .tokens(97), embedding: 16, hidden: 40, layers: 2, both: true, .last, classes: 18, steps: 17),
        .sequence("lstm 2 both max", "lstm", .tokens(97), embedding: 16, hidden: 40, layers: 2, both: true, .max, classes: 18, steps: 17),
        .sequence("lstm features mean", "lstm", .features(3), hidden: 29, .mean, classes: 4, steps: 40),
        .sequence("lstm steps", "lstm", .tokens(50), embedding: 16, hidden: 48, both: true, nil, classes: 9, steps: 11),
        .sequence("gru last", "gru", .tokens(60), embedding: 24, hidden: 64, .last, classes: 18, steps: 12),
        .sequence("gru 2 both max", "gru", .tokens(60), embedding: 24, hidden: 31, layers: 2, both: true, .max, classes: 5, steps: 1),
        .sequence("gru both mean", "gru", .tokens(60), embedding: 24, hidden: 31, both: true, .mean, classes: 5, steps: 25),
        .sequence("gru before", "gru", .tokens(60), embedding: 24, hidden: 37, resetAfter: false, .last, classes: 6, steps: 21),
        .sequence("gru before both mean", "gru", .tokens(60), embedding: 24, hidden: 37, both: true, resetAfter: false, .mean, classes: 6, steps: 21),
    ]

    static let pool = WorkerPool(threads: 2)

    @Test(arguments: images + sequences)
    func `logits equal PyTorch's`(_ row: Case) throws {
        let expected = try Fixtures.logits().tensor(row.name).values
        let graph = try row.graph()
        let session = Session(
            graph: graph,
            weights: Weights(synthetic: Self.seed, gain: row.gain, for: graph),
            pool: Self.pool
        )
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        let item = row.item(for: graph)
        session.setInput(0, to: item.span)
        #expect(session.run())
        let logits = session.withOutput("logits", item: 0) { span in span.indices.map { span[$0] } }
        let probabilities = session.withOutput("probabilities", item: 0) { span in
            span.indices.map { span[$0] }
        }

        try #require(logits.count == expected.count)
        let largest = expected.map { $0.magnitude }.max() ?? 0
        let worst = zip(logits, expected).map { ($0 - $1).magnitude }.enumerated().max {
            $0.element < $1.element
        }
        let (index, error) = try #require(worst)
        #expect(
            error <= Self.tolerance * largest,
            "logit \(index) is \(logits[index]), PyTorch's \(expected[index]); the largest is \(largest)"
        )
        let sums = probabilities.reduce(0, +)
        let rows = row.pooling == nil ? Float(row.steps) : 1
        #expect((sums - rows).magnitude <= 1e-4 * rows)
    }

    @Test func `the fixture has a tensor for each case and no other`() throws {
        let names = (Self.images + Self.sequences).map(\.name)
        #expect(try Fixtures.logits().shapes.keys.sorted() == names.sorted())
    }
}

/// The committed results of other implementations.
enum Fixtures {
    static func logits() throws -> Safetensors { try file("logits.safetensors") }

    static func recurrent() throws -> Safetensors { try file("recurrent.safetensors") }

    static func translate() throws -> Safetensors { try file("translate.safetensors") }

    static func captions() throws -> Safetensors { try file("captions.safetensors") }

    private static func file(_ name: String) throws -> Safetensors {
        let folder = try #require(Bundle.module.resourceURL)
        return try Safetensors(path: folder.appending(path: "Fixtures/\(name)").path)
    }
}
