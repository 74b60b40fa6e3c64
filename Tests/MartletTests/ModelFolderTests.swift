import API
import Foundation
import Testing

extension EndToEndTests {
    /// One model that cannot be loaded harms no other and says why.
    @Suite struct ModelFolderTests {
        /// A way to spoil a copy of `weights/digits`, and what the listing must say of it.
        struct Spoiled: Sendable {
            let name: String
            let reason: [String]
            let spoil: @Sendable (URL) throws -> Void
        }

        @Test func `serves the good model and lists why each bad one failed`() throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            try copyDigits(to: folder.appending(path: "good"))
            for model in Self.spoiled {
                let copy = folder.appending(path: model.name)
                try copyDigits(to: copy)
                try model.spoil(copy)
            }
            try Daemon.serving(folder) { daemon in
                let client = try Client(port: daemon.port)
                let listing: Listing = try client.request("GET", "/v1/models").decoded()
                #expect(listing["good"]?.state == "ready")
                let image = try Repository.example("digit-7.png")
                for model in Self.spoiled {
                    let reason = listing[model.name]?.reason ?? ""
                    #expect(listing[model.name]?.state == "failed", "\(model.name)")
                    for part in model.reason { #expect(reason.contains(part), "\(model.name): \(reason)") }
                    let answer = try client.request("POST", "/v1/models/\(model.name):classify", body: image)
                    #expect(answer.status == 503, "\(model.name): \(answer.text)")
                    #expect(try answer.decoded(ErrorBody.self).error.contains(model.name))
                }
                let answer = try client.request("POST", "/v1/models/good:classify", body: image)
                #expect(try answer.decoded(Classification.self).predictions.first?.label == "7")
            }
        }

        static let spoiled = tensors + files

        private static let tensors = [
            Spoiled(name: "missing-tensor", reason: ["fc3.bias"]) { folder in
                try editTensors(in: folder) { $0.removeAll { $0.name == "fc3.bias" } }
            },
            Spoiled(name: "extra-tensor", reason: ["fc4.bias"]) { folder in
                try editTensors(in: folder) { entries in
                    entries.append(.init(name: "fc4.bias", type: "F32", shape: [1], bytes: Data(count: 4)))
                }
            },
            Spoiled(name: "misshapen-tensor", reason: ["fc3.weight", "84×10", "10×84"]) { folder in
                try editTensors(in: folder) { entries in
                    for index in entries.indices where entries[index].name == "fc3.weight" {
                        entries[index].shape.reverse()
                    }
                }
            },
            Spoiled(name: "missing-and-extra", reason: ["conv1.bias", "conv1.offset"]) { folder in
                try editTensors(in: folder) { entries in
                    for index in entries.indices where entries[index].name == "conv1.bias" {
                        entries[index].name = "conv1.offset"
                    }
                }
            },
        ]

        private static let files = [
            Spoiled(name: "offsets-past-the-end", reason: ["model.safetensors"]) { folder in
                try edit("model.safetensors", in: folder) { $0.removeLast(100) }
            },
            Spoiled(name: "header-of-8-EiB", reason: ["model.safetensors"]) { folder in
                try edit("model.safetensors", in: folder) {
                    $0.replaceSubrange(0..<8, with: TensorFile.length(1 << 63))
                }
            },
            Spoiled(name: "header-that-is-no-JSON", reason: ["model.safetensors"]) { folder in
                try edit("model.safetensors", in: folder) { $0[8] = UInt8(ascii: "x") }
            },
            Spoiled(name: "empty-weights", reason: ["model.safetensors"]) { folder in
                try edit("model.safetensors", in: folder) { $0 = Data() }
            },
            Spoiled(name: "too-few-labels", reason: ["labels", "9", "10"]) { folder in
                try edit("labels.txt", in: folder) { $0 = Data("0\n1\n2\n3\n4\n5\n6\n7\n8\n".utf8) }
            },
            Spoiled(name: "unknown-key", reason: ["preprocesing", "preprocessing"]) { folder in
                try replace("\"preprocessing\"", with: "\"preprocesing\"", in: folder)
            },
            Spoiled(name: "unknown-architecture", reason: ["lenet6", "lenet5"]) { folder in
                try replace("\"lenet5\"", with: "\"lenet6\"", in: folder)
            },
            Spoiled(name: "no-JSON", reason: ["model.json"]) { folder in
                try edit("model.json", in: folder) { $0.removeLast(3) }
            },
            Spoiled(name: "no-weights", reason: ["model.safetensors"]) { folder in
                try FileManager.default.removeItem(at: folder.appending(path: "model.safetensors"))
            },
        ]

        private static func editTensors(in folder: URL, _ change: (inout [TensorFile.Entry]) -> Void) throws {
            let url = folder.appending(path: "model.safetensors")
            var file = try TensorFile(contentsOf: url)
            change(&file.entries)
            try file.encoded().write(to: url)
        }

        private static func edit(_ name: String, in folder: URL, _ change: (inout Data) -> Void) throws {
            let url = folder.appending(path: name)
            var data = try Data(contentsOf: url)
            change(&data)
            try data.write(to: url)
        }

        private static func replace(_ text: String, with other: String, in folder: URL) throws {
            try edit("model.json", in: folder) { data in
                data = Data(String(decoding: data, as: UTF8.self).replacing(text, with: other).utf8)
            }
        }

        private func temporaryFolder() throws -> URL {
            let folder = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return folder
        }

        private func copyDigits(to folder: URL) throws {
            try FileManager.default.copyItem(at: Repository.weights.appending(path: "digits"), to: folder)
        }
    }
}
