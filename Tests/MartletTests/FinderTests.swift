import Foundation
import Testing

extension EndToEndTests {
    /// Objects, pixels and tensors: over sockets, and by the commands that a person runs.
    @Suite struct FinderTests {
        private let folder: URL
        private let picture: String

        init() throws {
            let fixtures = Repository.root.appending(path: "Tests/ServingTests/Fixtures")
            folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
            for (name, manifest) in Self.manifests {
                let place = folder.appending(path: "models/\(name)")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                try Data(manifest.utf8).write(to: place.appending(path: "model.json"))
                try FileManager.default.copyItem(
                    at: fixtures.appending(path: "\(name).onnx"),
                    to: place.appending(path: "model.onnx")
                )
            }
            picture = folder.appending(path: "squares.png").path
            try FileManager.default.copyItem(
                at: fixtures.appending(path: "squares.png"),
                to: URL(filePath: picture)
            )
        }

        private static let manifests = [
            "detector": #"""
            {"task": "object-detection", "labels": ["red", "blue"], "boxes": "yolov8", "threshold": 0.5, "nms": 0.3,
             "preprocessing": {"resize": {"letterbox": [64, 64]}, "interpolation": "nearest"}}
            """#,
            "segmenter": #"""
            {"task": "semantic-segmentation", "labels": ["ground", "red", "blue"], "output": "classes",
             "preprocessing": {"resize": [32, 32], "interpolation": "nearest"}}
            """#,
            "pair": #"{"task": "tensors"}"#,
        ]

        private var models: [String] { ["--models", folder.appending(path: "models").path, "--no-tune"] }

        private struct Found: Decodable {
            struct Entry: Decodable {
                let path: String?
                let error: String?
                let detections: [Detection]?
                let output: String?
            }
            struct Detection: Decodable, Equatable {
                let label: String
                let box: [Double]
            }
            let results: [Entry]?
            let detections: [Detection]?
        }

        private static let detections = [
            Found.Detection(label: "red", box: [24, 8, 56, 40]),
            Found.Detection(label: "blue", box: [88, 24, 120, 56]),
        ]

        @Test func `the daemon answers with the same bits in any company`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let image = Array(try Data(contentsOf: URL(filePath: picture)))
            try Daemon.serving(folder.appending(path: "models")) { daemon in
                let client = try Client(port: daemon.port)
                let alone = try client.request("POST", "/v1/models/detector:detect", body: image)
                let found: Found = try alone.decoded()
                #expect(found.detections == Self.detections)
                for verb in ["detector:detect?format=png", "segmenter:segment?format=png"] {
                    let drawn = try client.request("POST", "/v1/models/\(verb)", body: image)
                    #expect(
                        drawn.fields["content-type"] == "image/png" && drawn.body.starts(with: [0x89, 0x50])
                    )
                    let again = try client.request("POST", "/v1/models/\(verb)", body: image)
                    #expect(again.body == drawn.body)
                }
                let base64 = Data(image).base64EncodedString()
                let list = Array(repeating: "\"\(base64)\"", count: 40).joined(separator: ",")
                let many: Found = try client.request(
                    "POST",
                    "/v1/models/detector:detect",
                    body: Array("{\"images\": [\(list)]}".utf8),
                    type: "application/json"
                ).decoded()
                #expect(many.results?.map(\.detections) == Array(repeating: Self.detections, count: 40))
                let broken = try client.request("POST", "/v1/models/detector:detect", body: Array("no".utf8))
                #expect(broken.status == 422)
                let late = try client.request(
                    "POST",
                    "/v1/models/detector:detect?timeout_ms=0",
                    body: image
                )
                #expect(late.status == 400)
            }
        }

        @Test func `detect and segment draw, and tell what failed`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let output = folder.appending(path: "boxes.png").path
            let run = try CommandRun(
                ["detect", picture, "--model", "detector", "--output", output, "--json"] + models
            )
            #expect(run.status == 0, "\(run.error)")
            let found: Found = try run.decoded()
            #expect(
                found.results?.first?.detections == Self.detections && found.results?.first?.output == output
            )
            #expect(FileManager.default.fileExists(atPath: output))
            let text = try CommandRun(["detect", picture, "--threshold", "0.9"] + models)
            #expect(
                text.output.contains("red") && !text.output.contains("blue"),
                "\(text.output)\(text.error)"
            )
            let pictures = folder.appending(path: "masks").path
            let missing = folder.appending(path: "missing.png").path
            let several = try CommandRun(
                ["segment", picture, missing, "--overlay", "--output", pictures] + models
            )
            #expect(several.status == 1 && several.error.contains("missing.png"), "\(several.error)")
            #expect(FileManager.default.fileExists(atPath: "\(pictures)/squares.png.png"))
            #expect(several.output.contains("ground"), "\(several.output)")
            #expect(try CommandRun(["segment", picture, "--overlay"] + models).status == 2)
            #expect(try CommandRun(["detect", picture, "--nms", "2"] + models).status == 2)
        }

        @Test func `evaluate measures boxes and masks`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            struct Boxes: Decodable { let images: Int, mean_average_precision: Double }
            let table = folder.appending(path: "boxes.tsv")
            // The name needs no ending; the blue box is off, the second red one is not found.
            try Data(
                """
                image\tclass\txmin\tymin\txmax\tymax
                squares\tred\t24\t8\t56\t40
                squares\tred\t0\t0\t9\t9
                squares\tblue\t100\t24\t130\t56

                """.utf8
            ).write(to: table)
            let boxes = try CommandRun(["evaluate", "detector", table.path, "--json"] + models)
            #expect(boxes.status == 0, "\(boxes.error)")
            let report: Boxes = try boxes.decoded()
            #expect(report.images == 1 && report.mean_average_precision == 0.25, "\(boxes.output)")
            let wrong = folder.appending(path: "wrong.tsv")
            try Data("squares\tred\t9\t8\t5\t40\n".utf8).write(to: wrong)
            let refused = try CommandRun(["evaluate", "detector", wrong.path] + models)
            #expect(
                refused.status == 1 && refused.error.contains("line 1: expected a box"),
                "\(refused.error)"
            )
            // The network's own mask is right to the last pixel.
            for name in ["images", "masks"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: "set/\(name)"),
                    withIntermediateDirectories: true
                )
            }
            let set = folder.appending(path: "set").path
            try FileManager.default.copyItem(atPath: picture, toPath: "\(set)/images/a.png")
            _ = try CommandRun(["segment", picture, "--output", "\(set)/masks/a.png"] + models)
            struct Masks: Decodable { let mean_intersection_over_union: Double, pixel_accuracy: Double }
            let masks = try CommandRun(["evaluate", "segmenter", set, "--json"] + models)
            let overlap: Masks = try masks.decoded()
            #expect(
                overlap.mean_intersection_over_union == 1 && overlap.pixel_accuracy == 1,
                "\(masks.output)"
            )
            #expect(try CommandRun(["evaluate", "pair", table.path] + models).status == 1)
        }

        @Test func `run takes a tensor for each input`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let input = folder.appending(path: "in.safetensors")
            func bytes<Number>(_ numbers: [Number]) -> Data { numbers.withUnsafeBytes { Data($0) } }
            try TensorFile(
                entries: [
                    .init(
                        name: "a",
                        type: "F32",
                        shape: [1, 2, 3],
                        bytes: bytes([Float(1), 2, 3, 6, 5, 4])
                    ),
                    .init(name: "b", type: "F32", shape: [1, 3], bytes: bytes([Float(10), 20, 30])),
                    .init(name: "mask", type: "F32", shape: [1, 2], bytes: bytes([Float(1), 0])),
                ]
            ).encoded().write(to: input)
            let output = folder.appending(path: "out.safetensors").path
            let run = try CommandRun(["run", "pair", "--input", input.path, "--output", output] + models)
            #expect(
                run.status == 0 && run.output.contains("sum 1×2×3, most 1×2, kept 1×2"),
                "\(run.output)\(run.error)"
            )
        }
    }
}
