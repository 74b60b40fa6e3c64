import Foundation
import Testing

extension EndToEndTests {
    /// The bundled `cells`, an R-CNN, on a part of a micrograph: over sockets, and by the commands that a person runs.
    @Suite struct RegionTests {
        private struct Found: Decodable, Equatable {
            struct Entry: Decodable {
                let detections: [Detection]?
                let proposals: Int?
                let output: String?
            }
            struct Detection: Decodable, Equatable {
                let label: String
                let score: Double
                let box: [Double]

                /// Intersection over union.
                func overlap(_ other: [Double]) -> Double {
                    let sides = (
                        min(box[2], other[2]) - max(box[0], other[0]),
                        min(box[3], other[3]) - max(box[1], other[1])
                    )
                    let both = max(0, sides.0) * max(0, sides.1)
                    let area = { (box: [Double]) in (box[2] - box[0]) * (box[3] - box[1]) }
                    return both / (area(box) + area(other) - both)
                }
            }
            let detections: [Detection]
            let proposals: Int
        }

        private static let picture = Repository.root.appending(path: "weights/examples/blood.jpg").path
        private static let models = [
            "--models", Repository.root.appending(path: "weights").path, "--no-tune",
        ]
        /// The white cell and the platelet.
        private static let white = [138.0, 243, 363, 420]
        private static let platelet = [106.0, 25, 165, 81]

        private static func check(_ found: [Found.Detection]) {
            func count(_ label: String) -> Int { found.count { $0.label == label } }
            #expect(count("RBC") >= 6 && count("WBC") == 1 && count("Platelets") == 1, "\(found)")
            #expect(found.contains { $0.label == "WBC" && $0.overlap(white) > 0.5 }, "\(found)")
            #expect(found.contains { $0.label == "Platelets" && $0.overlap(platelet) > 0.5 }, "\(found)")
        }

        @Test func `the daemon finds cells, and draws them`() throws {
            let image = Array(try Data(contentsOf: URL(filePath: Self.picture)))
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let path = "/v1/models/cells:detect"
                let found: Found = try client.request("POST", path, body: image).decoded()
                Self.check(found.detections)
                #expect(found.proposals > 200)
                let again: Found = try client.request("POST", "/v1/models/cells:predict", body: image)
                    .decoded()
                #expect(again == found)
                let few: Found = try client.request("POST", "\(path)?proposals=20", body: image).decoded()
                #expect(few.proposals == 20)
                let drawn = try client.request("POST", "\(path)?format=png", body: image)
                #expect(drawn.fields["content-type"] == "image/png" && drawn.body.starts(with: [0x89, 0x50]))
                for (query, status) in [
                    ("?proposals=0", 400), ("?threshold=2", 400), ("?timeout_ms=1", 504),
                ] {
                    let refused = try client.request("POST", path + query, body: image)
                    #expect(refused.status == status, "\(query): \(refused.status)")
                }
                #expect(try client.request("POST", path, body: Array("no".utf8)).status == 422)
            }
        }

        @Test func `detect draws boxes, and evaluate measures them`() throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "martlet-\(UUID().uuidString)"
            )
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            struct Results: Decodable { let results: [Found.Entry] }
            let output = folder.appending(path: "boxes.png").path
            let run = try CommandRun(
                ["detect", Self.picture, "--model", "cells", "--output", output, "--json"] + Self.models
            )
            #expect(run.status == 0, "\(run.error)")
            let results: Results = try run.decoded()
            Self.check(results.results.first?.detections ?? [])
            #expect(FileManager.default.fileExists(atPath: output))
            let table = folder.appending(path: "boxes.tsv")
            try Data(
                """
                \(Self.picture)\tWBC\t138\t243\t363\t420
                \(Self.picture)\tPlatelets\t106\t25\t165\t81

                """.utf8
            ).write(to: table)
            let evaluated = try CommandRun(["evaluate", "cells", table.path, "--json"] + Self.models)
            struct Report: Decodable { let images: Int, mean_average_precision: Double }
            let report: Report = try evaluated.decoded()
            #expect(report.images == 1 && report.mean_average_precision == 1, "\(evaluated.output)")
            let refused = try CommandRun(
                ["detect", Self.picture, "--model", "cells", "--proposals", "0"] + Self.models
            )
            #expect(
                refused.status == 2 && refused.error.contains("--proposals must be 1 to"),
                "\(refused.error)"
            )
        }
    }
}
