import API
import Engine
import Foundation
import Testing
import Zoo

extension EndToEndTests {
    /// Snapshot folders as timm writes them, served as they are.
    @Suite struct SnapshotTests {
        /// The listing's entry of an image model.
        private struct Entry: Decodable {
            struct Settings: Decodable, Equatable {
                let resize: Int
                let crop: [Int]
                let interpolation: String
                let mean: [Double]
                let std: [Double]
            }

            let name: String
            let state: String
            let reason: String?
            let architecture: String?
            let classes: Int?
            let preprocessing: Settings?
            let provenance: [String: String]?
        }

        private struct Labels: Decodable {
            let labels: [String]
        }

        private static let configuration = """
            {"architecture": "mobilenetv1_100.ra4_e3600_r224_in1k", "num_classes": 3, "global_pool": "avg",
             "label_names": ["cat", "dog", "owl"],
             "pretrained_cfg": {"input_size": [3, 96, 96], "test_input_size": [3, 256, 256],
               "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "center", "mean": [0.5, 0.4, 0.3],
               "std": [0.2, 0.3, 0.4], "num_classes": 1000, "pool_size": [7, 7], "license": "apache-2.0"}}
            """

        /// What the configuration means, in Martlet's words.
        private static func manifest(interpolation: String) -> String {
            """
            {"architecture": "mobilenet_v1", "task": "image-classification", "labels": ["cat", "dog", "owl"],
             "preprocessing": {"resize": 106, "crop": 96, "interpolation": "\(interpolation)",
               "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
            """
        }

        @Test func `serves a snapshot with its own preprocessing and labels`() throws {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let image = try Repository.example("horse.jpg")
            try Daemon.serving(folder) { daemon in
                let client = try Client(port: daemon.port)
                let entry: Entry = try client.request("GET", "/v1/models/snapshot").decoded()
                #expect(entry.state == "ready", "\(entry.reason ?? "")")
                #expect(entry.architecture == "mobilenet_v1")
                #expect(entry.classes == 3)
                #expect(entry.provenance == ["source": "config.json", "license": "apache-2.0"])
                let settings = Entry.Settings(
                    resize: 106,
                    crop: [96, 96],
                    interpolation: "bicubic",
                    mean: [0.5, 0.4, 0.3],
                    std: [0.2, 0.3, 0.4]
                )
                #expect(entry.preprocessing == settings)
                let labels: Labels = try client.request("GET", "/v1/models/snapshot/labels").decoded()
                #expect(labels.labels == ["cat", "dog", "owl"])

                let predictions = { (model: String) in
                    let answer = try client.request("POST", "/v1/models/\(model):classify", body: image)
                    let classification: Classification = try answer.decoded()
                    #expect(Set(classification.predictions.map(\.label)) == ["cat", "dog", "owl"])
                    return answer.predictionTexts()
                }
                let snapshot = try predictions("snapshot")
                #expect(try predictions("described") == snapshot)
                #expect(try predictions("bilinear") != snapshot)
            }
        }

        @Test(arguments: ["F16", "BF16"])
        func `serves half-precision snapshots`(type: String) throws {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            try Self.convert(folder.appending(path: "snapshot/model.safetensors"), to: type)
            try Data("lynx\nwolf\nkite\n".utf8).write(to: folder.appending(path: "snapshot/labels.txt"))
            let unnamed = Self.configuration.replacing(#""label_names": ["cat", "dog", "owl"],"#, with: "")
            try Data(unnamed.utf8).write(to: folder.appending(path: "snapshot/config.json"))
            try Daemon.serving(folder) { daemon in
                let client = try Client(port: daemon.port)
                let image = try Repository.example("horse.jpg")
                let classify = { (model: String) -> [Prediction] in
                    let answer = try client.request("POST", "/v1/models/\(model):classify", body: image)
                    return try answer.decoded(Classification.self).predictions.sorted { $0.index < $1.index }
                }
                let half = try classify("snapshot")
                #expect(half.map(\.label) == ["lynx", "wolf", "kite"])
                for (half, full) in zip(half, try classify("described")) {
                    let difference = abs(half.probability - full.probability)
                    let both = "\(half.probability), \(full.probability)"
                    #expect(difference < 0.05, "class \(full.index): \(both)")
                }
            }
        }

        /// A snapshot, the same model described by a `model.json`, and that with another filter.
        private static func folder() throws -> URL {
            let folder = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)")
            let descriptions = [
                ("snapshot/config.json", configuration),
                ("described/model.json", manifest(interpolation: "bicubic")),
                ("bilinear/model.json", manifest(interpolation: "bilinear")),
            ]
            let graph = try Architecture.named("mobilenet_v1").graph(ArchitectureConfiguration(classes: 3))
            let tensors = Weights(synthetic: 1, for: graph).tensors
            for (name, text) in descriptions {
                let file = folder.appending(path: name)
                let model = file.deletingLastPathComponent()
                try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
                try Safetensors.write(
                    zip(graph.parameters, tensors).map { (name: $0.name, tensor: $1) },
                    to: model.appending(path: "model.safetensors").path
                )
            }
            return folder
        }

        /// Rewrites F32 weights with half the bits.
        private static func convert(_ url: URL, to type: String) throws {
            var file = try TensorFile(contentsOf: url)
            for index in file.entries.indices {
                let bytes = file.entries[index].bytes
                var halves = Data(capacity: bytes.count / 2)
                for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 4) {
                    let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
                    let half =
                        type == "F16"
                        ? Float16(Float(bitPattern: word)).bitPattern : UInt16(truncatingIfNeeded: word >> 16)
                    halves.append(UInt8(truncatingIfNeeded: half))
                    halves.append(UInt8(half >> 8))
                }
                file.entries[index].bytes = halves
                file.entries[index].type = type
            }
            try file.encoded().write(to: url)
        }
    }
}
