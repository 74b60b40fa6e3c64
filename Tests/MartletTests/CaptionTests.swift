import Foundation
import Testing

extension EndToEndTests {
    /// What the bundled model says of pictures, over sockets and by the command that a person runs.
    @Suite struct CaptionTests {
        private struct Caption: Decodable, Equatable {
            struct Attention: Decodable, Equatable {
                let height: Int
                let width: Int
                let box: [Double]
                let maps: [[[Double]]]
            }
            let text: String
            let tokens: [String]
            let score: Double
            let stop: String
            let attention: Attention?
        }

        private struct Captions: Decodable {
            struct Entry: Decodable {
                let text: String?
                let code: String?
                let output: String?
            }
            let results: [Entry]
        }

        /// The example pictures, of combinations that no picture of training has, and what they show.
        static let examples = [
            (image: "scene-1.jpg", things: ["orange circle", "green cross"], place: "insid"),
            (image: "scene-2.jpg", things: ["green square", "blue cross"], place: "left|right"),
        ]

        private static let path = "/v1/models/scenes:caption"

        @Test(arguments: examples)
        func `says what is in the example pictures, and where it looked`(
            example: (image: String, things: [String], place: String)
        ) throws {
            let image = try Repository.example(example.image)
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let caption: Caption = try client.request(
                    "POST",
                    Self.path + "?detail=attention",
                    body: image
                ).decoded()
                #expect(example.things.allSatisfy(caption.text.contains), "\(caption.text)")
                let places = example.place.split(separator: "|")
                #expect(
                    places.contains { caption.text.contains($0) } || caption.text.contains("around"),
                    "\(caption.text)"
                )
                #expect(caption.stop == "end" && caption.score < 0)
                #expect(caption.text == caption.tokens.joined(separator: " "))
                let attention = try #require(caption.attention)
                #expect(attention.height == 16 && attention.width == 16)
                #expect(attention.box == [0, 0, 96, 96])
                #expect(attention.maps.count == caption.tokens.count)
                for map in attention.maps {
                    #expect(abs(map.flatMap(\.self).reduce(0, +) - 1) < 1e-4)
                }
            }
        }

        @Test func `answers with the same bits in any company, in time or not at all`() throws {
            let images = try Self.examples.map { try Repository.example($0.image) }
            try Daemon.serving { daemon in
                let port = daemon.port
                let client = try Client(port: port)
                let path = Self.path + "?beams=4&detail=attention"
                let alone = try images.map { image in
                    try client.request("POST", path, body: image).decoded(Caption.self)
                }
                let together = try onThreads(6) { index in
                    try Client(port: port).request("POST", path, body: images[index % 2]).decoded(
                        Caption.self
                    )
                }
                #expect(together == (0..<6).map { alone[$0 % 2] })
                let base64 = images.map { "\"\(Data($0).base64EncodedString())\"" }
                let list = (0..<40).map { base64[$0 % 2] }.joined(separator: ",")
                let many: Captions = try client.request(
                    "POST",
                    Self.path + "?beams=4",
                    body: Array("{\"images\": [\(list), \"bm8=\"]}".utf8),
                    type: "application/json"
                ).decoded()
                #expect(many.results.dropLast().map(\.text) == (0..<40).map { alone[$0 % 2].text })
                #expect(many.results.last?.code == "undecodable_image")
                let drawn = try client.request("POST", Self.path + "?format=png", body: images[0])
                #expect(drawn.fields["content-type"] == "image/png")
                let again = try client.request("POST", Self.path + "?format=png", body: images[0])
                #expect(again.body == drawn.body)
                #expect(try client.request("POST", Self.path, body: Array("no".utf8)).status == 422)
                let late = try client.request(
                    "POST",
                    Self.path + "?beams=16&timeout_ms=1",
                    body: Array("{\"images\": [\(list)]}".utf8),
                    type: "application/json"
                )
                #expect([503, 504].contains(late.status), "\(late.status)")
            }
        }

        @Test func `caption says, draws, and tells what failed`() throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "martlet-\(UUID().uuidString)"
            )
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let pictures = Self.examples.map {
                Repository.root.appending(path: "weights/examples/\($0.image)").path
            }
            let output = folder.appending(path: "words.png").path
            let run = try CommandRun(
                ["caption", pictures[0], "--model", "scenes", "--output", output, "--json", "--no-tune"]
            )
            #expect(run.status == 0, "\(run.error)")
            let found: Captions = try run.decoded()
            #expect(found.results[0].output == output)
            #expect(found.results[0].text?.contains("orange circle") == true, "\(run.output)")
            #expect(try Data(contentsOf: URL(filePath: output)).starts(with: [0x89, 0x50]))
            let missing = folder.appending(path: "missing.png").path
            let several = try CommandRun(
                ["caption", pictures[1], missing, "--model", "scenes", "--beams", "2", "--no-tune"]
            )
            #expect(several.status == 1 && several.error.contains("missing.png"), "\(several.error)")
            #expect(several.output.contains("score") && several.output.contains("green square"))
            let seeded = ["caption", pictures[0], "--model", "scenes", "--seed", "7", "--no-tune"]
            #expect(try CommandRun(seeded).output == CommandRun(seeded).output)
            #expect(try CommandRun(seeded + ["--beams", "2"]).status == 2)
            #expect(try CommandRun(["caption", pictures[0], "--top-p", "0"]).status == 2)
        }
    }
}
