import Engine
import Foundation
import Testing
import Zoo

/// Files of weights against the networks that they are for: names, shapes and types, whole and wrong.
struct WeightFileTests {
    /// What loading says of a file that holds what `alter` leaves of the tensors that a network needs, all zeros.
    private func error(
        for name: String,
        naming shapes: [String: Shape] = [:],
        alter: (inout [String: Shape]) -> Void
    ) throws -> WeightsError? {
        let architecture = try Architecture.named(name)
        let graph = try architecture.graph(ArchitectureConfiguration(shapes: shapes))
        var tensors = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
        alter(&tensors)
        return try withTemporaryFolder { folder -> WeightsError? in
            let path = folder + "/model.safetensors"
            try SparseSafetensors.write(tensors, to: path)
            let file = try Safetensors(path: path)
            let graph = try architecture.graph(ArchitectureConfiguration(shapes: file.shapes))
            do {
                _ = try Weights(file, for: graph, ignoring: architecture.ignores)
                return nil
            } catch let error as WeightsError {
                return error
            }
        }
    }

    static let imageNetworks = Architecture.all.filter(\.takesImages).map(\.name)

    @Test(arguments: imageNetworks)
    func `one error names what is missing, too much and misshapen`(_ name: String) throws {
        var (missing, misshapen) = ("", "")
        let refusal = try error(for: name) { tensors in
            let names = tensors.keys.sorted()
            (missing, misshapen) = (names[0], names[1])
            tensors[missing] = nil
            tensors[misshapen] = Shape((tensors[misshapen]?.dimensions ?? []) + [2])
            tensors["stranger.weight"] = [3, 5]
            tensors["bn.num_batches_tracked"] = []
        }
        let error = try #require(refusal)
        #expect(error.missing.map(\.name) == [missing])
        #expect(error.misshapen.map(\.name) == [misshapen])
        #expect(error.extra.map(\.name) == ["stranger.weight"])
        #expect(error.unreadable.isEmpty)
        for tensor in [missing, misshapen, "stranger.weight"] {
            #expect(error.description.contains("'\(tensor)'"), "\(error)")
        }
    }

    @Test func `one error names what is wrong with both networks over frames`() throws {
        let architecture = try Architecture.named("cnn_rnn")
        let configuration = ArchitectureConfiguration(options: ["extractor": .string("googlenet")])
        let extractor = try #require(try architecture.extractor(configuration))
        let graph = try architecture.graph(configuration)
        let parameters = extractor.graph.parameters + graph.parameters
        var tensors = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
        func weights(_ graph: Graph, beside other: Graph) throws -> Weights {
            try withTemporaryFolder { folder in
                let path = folder + "/model.safetensors"
                try SparseSafetensors.write(tensors, to: path)
                return try Weights.pair(
                    Safetensors(path: path),
                    for: graph,
                    other,
                    ignoring: { architecture.ignores($0) || extractor.ignores($0) },
                    memory: .fast,
                    tuning: .off
                ).first
            }
        }
        for name in ["cnn.aux1.fc1.weight", "cnn.conv1.bn.num_batches_tracked"] { tensors[name] = [] }
        #expect(
            try weights(graph, beside: extractor.graph).tensors.map(\.shape) == graph.parameters.map(\.shape)
        )
        #expect(try weights(extractor.graph, beside: graph).tensors.count == extractor.graph.parameters.count)
        for name in ["cnn.conv1.conv.weight", "head.bias"] { tensors[name] = nil }
        for name in ["cnn.fc.weight", "stranger"] { tensors[name] = [1] }
        for (graph, other) in [(graph, extractor.graph), (extractor.graph, graph)] {
            let error = #expect(throws: WeightsError.self) { try weights(graph, beside: other) }
            #expect(error.map { Set($0.missing.map(\.name)) } == ["cnn.conv1.conv.weight", "head.bias"])
            #expect(error?.extra.map(\.name) == ["cnn.fc.weight", "stranger"])
        }
    }

    // swift-format-ignore
    /// Networks whose names depend on the library: what tells it, and a tensor of the library's own.
    static let libraries: [(String, [String: Shape], String)] = [
        ("vgg11", ["head.fc.weight": [1000, 4096]], "head.fc.weight"),
        ("vgg16_bn", ["head.fc.weight": [1000, 4096]], "pre_logits.fc1.weight"),
        ("mobilenet_v2", ["blocks.0.0.conv_dw.weight": [32, 1, 3, 3]], "conv_stem.weight"),
        ("densenet121", ["features.denseblock1.denselayer1.norm.1.weight": [64]], "features.denseblock1.denselayer2.conv.1.weight"),
        ("inception_resnet_v2", ["last_linear.weight": [1000, 1536]], "last_linear.bias"),
        ("xception", ["last_linear.weight": [1000, 2048]], "last_linear.bias"),
    ]

    @Test(arguments: libraries)
    func `a file without one tensor is still taken for its library's`(
        _ name: String,
        _ shapes: [String: Shape],
        _ tensor: String
    ) throws {
        let refusal = try error(for: name, naming: shapes) { tensors in tensors[tensor] = nil }
        let error = try #require(refusal)
        #expect(error.missing.map(\.name) == [tensor])
        #expect(error.extra.isEmpty && error.misshapen.isEmpty, "\(error)")
    }

    @Test(arguments: [
        ("googlenet", ["aux1.conv.conv.weight", "aux2.fc2.bias"]),
        ("googlenet_2014", ["loss1.conv.weight", "loss2.classifier.bias"]),
        ("inception_v3", ["AuxLogits.conv0.conv.weight", "AuxLogits.fc.bias"]),
        ("inception_v2", ["AuxLogits.fc.weight"]),
        ("resnet18", ["bn1.num_batches_tracked", "layer4.1.bn2.num_batches_tracked"]),
        ("mobilenet_v1", ["blocks.0.0.bn1.num_batches_tracked"]),
        ("inception_v4", ["features.0.bn.num_batches_tracked"]),
    ])
    func `what only training needs may be there`(_ name: String, _ spare: [String]) throws {
        let refusal = try error(for: name) { tensors in
            for tensor in spare { tensors[tensor] = tensor.hasSuffix("tracked") ? [] : [7] }
        }
        #expect(refusal == nil)
    }

    @Test func `another network's auxiliary head is refused`() throws {
        let refusal = try error(for: "squeezenet1_1") { tensors in
            tensors["AuxLogits.fc.weight"] = [1000, 768]
        }
        #expect(refusal?.extra.map(\.name) == ["AuxLogits.fc.weight"])
    }

    /// How a number is stored in two bytes, and what it is when read.
    struct HalfPrecision: Sendable {
        let type: String
        let bits: @Sendable (Float) -> UInt16
        let value: @Sendable (Float) -> Float
    }

    static let halves = [
        HalfPrecision(type: "F16") {
            Float16($0).bitPattern
        } value: {
            Float(Float16($0))
        },
        HalfPrecision(type: "BF16") {
            UInt16($0.bitPattern >> 16)
        } value: {
            Float(bitPattern: $0.bitPattern & 0xFFFF_0000)
        },
    ]

    @Test(arguments: ["squeezenet1_1", "mobilenet_v2", "resnet20"], ["F16", "BF16"])
    func `half-precision weights compute as the same numbers in F32 do`(
        _ name: String,
        _ type: String
    ) throws {
        let half = try #require(Self.halves.first { $0.type == type })
        let architecture = try Architecture.named(name)
        let size = name == "resnet20" ? 32 : 64
        let graph = try architecture.graph(ArchitectureConfiguration(imageSize: (size, size)))
        let tensors = graph.parameters.map {
            (name: $0.name, tensor: SyntheticWeights.tensor($0.name, $0.shape, seed: 5, gain: 1.5))
        }
        try withTemporaryFolder { folder in
            let (short, long) = (folder + "/half.safetensors", folder + "/whole.safetensors")
            try SparseSafetensors.write(
                Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor.shape) }),
                type: type,
                to: short
            ) { tensor in
                let values = tensors.first { $0.name == tensor }?.tensor.values ?? []
                return values.flatMap { [UInt8(half.bits($0) & 0xFF), UInt8(half.bits($0) >> 8)] }
            }
            let whole = tensors.map { name, tensor in
                (name: name, tensor: Tensor(shape: tensor.shape, values: tensor.values.map(half.value)))
            }
            try Safetensors.write(whole, to: long)
            let logits = try [short, long].map { path in
                let file = try Safetensors(path: path)
                return try run(graph, Weights(file, for: graph, ignoring: architecture.ignores))
            }
            #expect(logits[0] == logits[1])
            #expect(Set(logits[0]).count > 1 && logits[0].allSatisfy(\.isFinite))
        }
    }

    private func run(_ graph: Graph, _ weights: Weights) throws -> [Float] {
        let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: 1))
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        SyntheticWeights.tensor("input", graph.inputShape, seed: 5).withSpan { session.setInput(0, to: $0) }
        #expect(session.run())
        return session.withOutput("logits", item: 0) { span in span.indices.map { span[$0] } }
    }
}

/// Writes safetensors files; where nothing is written they are holes, which read as zeros and take no room on the disk.
private enum SparseSafetensors {
    static func write(
        _ shapes: [String: Shape],
        type: String = "F32",
        to path: String,
        bytes: ((String) -> [UInt8])? = nil
    ) throws {
        var members: [String] = []
        var offsets: [(name: String, start: Int)] = []
        var end = 0
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            offsets.append((name, end))
            let start = end
            end += shape.elementCount * (type == "F32" ? 4 : 2)
            members.append(
                #""\#(name)":{"dtype":"\#(type)","shape":\#(shape.dimensions),"data_offsets":[\#(start),\#(end)]}"#
            )
        }
        var header = "{\(members.joined(separator: ","))}"
        header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let length = UInt64(header.utf8.count)
        let head = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
        _ = FileManager.default.createFile(atPath: path, contents: Data(head))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() } // nothing is left unwritten
        try file.truncate(atOffset: UInt64(head.count + end))
        guard let bytes else { return }
        for (name, start) in offsets {
            try file.seek(toOffset: UInt64(head.count + start))
            try file.write(contentsOf: bytes(name))
        }
    }
}

/// Calls `body` with the path of a new folder, and removes the folder afterwards.
private func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
    return try body(folder.path)
}
