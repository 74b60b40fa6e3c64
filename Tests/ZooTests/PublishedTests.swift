import Engine
import Testing
import Zoo

/// Each architecture against the numbers that its paper or library prints.
struct PublishedTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        var options: [String: OptionValue] = [:]
        let parameters: Int
        let multiplyAdds: Int
        /// Channels × height × width behind some of the layers.
        let stages: [String: Shape]

        var testDescription: String { name }
    }

    // Parameters: torchvision's `num_params` for alexnet and the ResNets of ImageNet, whose multiply-adds, in units of
    // 10⁹, are its `_ops`: 0.714, 1.814, 3.664, 4.089, 7.801, 11.514. Of alexnet_2012: Caffe's 60 965 224 and 724M.
    // CIFAR: He et al. 2016, Table 6: 0.27M, 0.46M, 0.66M, 0.85M, 1.7M.
    // swift-format-ignore
    static let rows: [Row] = [
        Row(name: "lenet5", parameters: 61_706, multiplyAdds: 416_520,
            stages: ["conv1": [6, 28, 28], "conv2": [16, 10, 10], "pool2": [16, 5, 5], "fc1": [120]]),
        Row(name: "alexnet_2012", parameters: 60_965_224, multiplyAdds: 724_406_816,
            stages: ["conv1": [96, 55, 55], "pool1": [96, 27, 27], "pool2": [256, 13, 13], "pool5": [256, 6, 6]]),
        Row(name: "alexnet", parameters: 61_100_840, multiplyAdds: 714_188_480,
            stages: ["features.0": [64, 55, 55], "features.pool1": [64, 27, 27], "features.pool3": [256, 6, 6]]),
        Row(name: "resnet18", parameters: 11_689_512, multiplyAdds: 1_814_073_344, stages: basicStages),
        Row(name: "resnet34", parameters: 21_797_672, multiplyAdds: 3_663_761_408, stages: basicStages),
        Row(name: "resnet50", parameters: 25_557_032, multiplyAdds: 4_089_184_256, stages: bottleneckStages),
        Row(name: "resnet101", parameters: 44_549_160, multiplyAdds: 7_801_405_440, stages: bottleneckStages),
        Row(name: "resnet152", parameters: 60_192_808, multiplyAdds: 11_513_626_624, stages: bottleneckStages),
        Row(name: "resnet20", parameters: 269_722, multiplyAdds: 40_551_040, stages: cifarStages),
        Row(name: "resnet32", parameters: 464_154, multiplyAdds: 68_862_592, stages: cifarStages),
        Row(name: "resnet44", parameters: 658_586, multiplyAdds: 97_174_144, stages: cifarStages),
        Row(name: "resnet56", parameters: 853_018, multiplyAdds: 125_485_696, stages: cifarStages),
        Row(name: "resnet110", parameters: 1_727_962, multiplyAdds: 252_887_680, stages: cifarStages),
        Row(name: "resnet20", options: ["shortcut": .string("B")],
            parameters: 272_474, multiplyAdds: 40_813_184, stages: cifarStages),
        // 10 000·128 + 4·256·(128 + 256 + 2) + 2·257 for the LSTM, and so on: the embedding, the gates, the head.
        Row(name: "rnn", parameters: 1_379_330, multiplyAdds: 98_816, stages: ["embedding": [1, 128], "rnn": [1, 256]]),
        Row(name: "lstm", parameters: 1_675_778, multiplyAdds: 393_728, stages: ["embedding": [1, 128], "rnn": [1, 256]]),
        Row(name: "gru", parameters: 1_576_962, multiplyAdds: 295_424, stages: ["embedding": [1, 128], "rnn": [1, 256]]),
    ]

    static let basicStages: [String: Shape] = [
        "conv1": [64, 112, 112], "pool1": [64, 56, 56], "layer1.0.sum1": [64, 56, 56],
        "layer2.0.sum1": [128, 28, 28], "layer3.0.sum1": [256, 14, 14], "layer4.0.sum1": [512, 7, 7],
    ]

    static let bottleneckStages: [String: Shape] = [
        "conv1": [64, 112, 112], "pool1": [64, 56, 56], "layer1.0.sum1": [256, 56, 56],
        "layer2.0.conv1": [128, 56, 56], "layer2.0.conv2": [128, 28, 28], "layer2.0.sum1": [512, 28, 28],
        "layer3.0.sum1": [1024, 14, 14], "layer4.0.sum1": [2048, 7, 7],
    ]

    static let cifarStages: [String: Shape] = [
        "conv1": [16, 32, 32], "layer1.0.sum1": [16, 32, 32], "layer2.0.sum1": [32, 16, 16],
        "layer3.2.sum1": [64, 8, 8], "pool1": [64, 1, 1],
    ]

    @Test(arguments: rows)
    func `has the published size, cost and stages`(_ row: Row) throws {
        let graph = try Architecture.named(row.name).graph(ArchitectureConfiguration(options: row.options))
        let totals = LayerTable(graph).totals
        #expect(totals.parameters == row.parameters)
        #expect(totals.multiplyAdds == row.multiplyAdds)
        #expect(graph.multiplyAdds == row.multiplyAdds)
        for (layer, shape) in row.stages {
            let node = try #require(graph.nodes.first { $0.name == layer }, "no layer \(layer)")
            #expect(node.shape == shape, "\(layer)")
        }
    }

    @Test func `every architecture has a row and a name of its own`() {
        let names = Architecture.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(Self.rows.map(\.name)) == Set(names))
    }

    @Test(arguments: Architecture.all.map(\.name))
    func `tensor names are unique and the outputs are logits and probabilities`(_ name: String) throws {
        let architecture = try Architecture.named(name)
        let graph = try architecture.graph()
        let names = graph.parameters.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(graph.outputs.map(\.name) == ["logits", "probabilities"])
        #expect(graph.outputs.allSatisfy { graph.shape(of: $0.value) == [architecture.classes] })
    }

    @Test func `tensor names and shapes are torchvision's`() throws {
        let graph = try Architecture.named("resnet50").graph()
        let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
        #expect(shapes.count == 267) // len(resnet50().state_dict()) without 53 num_batches_tracked
        #expect(shapes["conv1.weight"] == [64, 3, 7, 7])
        #expect(shapes["bn1.running_var"] == [64])
        #expect(shapes["layer1.0.downsample.0.weight"] == [256, 64, 1, 1])
        #expect(shapes["layer1.0.downsample.1.running_mean"] == [256])
        #expect(shapes["layer4.2.conv2.weight"] == [512, 512, 3, 3])
        #expect(shapes["fc.weight"] == [1000, 2048])
        let alexnet = try Architecture.named("alexnet").graph()
        #expect(
            alexnet.parameters.map(\.name)
                == [
                    "features.0", "features.3", "features.6", "features.8", "features.10", "classifier.1",
                    "classifier.4", "classifier.6",
                ]
                .flatMap { ["\($0).weight", "\($0).bias"] }
        )
    }
}
