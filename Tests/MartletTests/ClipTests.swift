import API
import Engine
import Foundation
import Testing

extension EndToEndTests {
    /// Clips of images and streams of them, by the real daemon and on the command line.
    @Suite struct ClipTests {
        private static let path = "/v1/models/clips:predict"
        private static let images = [
            "automobile.jpg", "digit-3.png", "digit-7.png", "horse.jpg", "pagoda.jpg",
        ]

        private struct Tag: Decodable, Equatable {
            let frame: Int
            let index: Int
            let probability: Double
        }

        private struct Tagged: Decodable {
            let predictions: [[Tag]]
        }

        private static func frames() throws -> [String] {
            try images.map { #"{"b64": "\#(Data(try Repository.example($0)).base64EncodedString())"}"# }
        }

        private static func body(_ instances: [[String]], _ parameters: String = "") -> [UInt8] {
            let clips = instances.map { "[\($0.joined(separator: ","))]" }.joined(separator: ",")
            return Array(#"{"instances": [\#(clips)], "parameters": {\#(parameters)}}"#.utf8)
        }

        @Test func `a stream of frames under load answers as the whole clip does alone, bit for bit`() throws
        {
            let models = try RecurrentModels()
            let frames = try Self.frames()
            try Daemon.serving(models.folder) { daemon in
                let port = daemon.port
                let clips = frames.indices.map { Array(frames[$0...] + frames[..<$0]) }
                let client = try Client(port: port)
                let alone = try clips.map { clip in
                    let answer = try client.request("POST", Self.path, body: Self.body([clip]))
                    return try answer.decoded(Tagged.self).predictions[0]
                }
                #expect(alone.allSatisfy { $0.map(\.frame) == [0, 1, 2, 3, 4] })
                #expect(Set(alone.flatMap { $0.map(\.probability) }).count > 20)
                let together = try client.request("POST", Self.path, body: Self.body(clips))
                #expect(try together.decoded(Tagged.self).predictions == alone)
                let streams = try onThreads(clips.count) { index in
                    let client = try Client(port: port)
                    return try clips[index].enumerated().map { step, frame in
                        let parameters = #""sequence_id": \#(index), "sequence_start": \#(step == 0)"#
                        let body = Self.body([[frame]], parameters)
                        let answer = try client.request("POST", Self.path, body: body)
                        return try answer.decoded(Tagged.self).predictions[0][0].probability
                    }
                }
                #expect(streams == alone.map { $0.map(\.probability) })
            }
        }

        @Test func `a frame that is no image is named, and its stream goes on`() throws {
            let models = try RecurrentModels()
            let frames = try Self.frames()
            try Daemon.serving(models.folder) { daemon in
                let client = try Client(port: daemon.port)
                func post(_ frames: [String], start: Bool) throws -> Answer {
                    let parameters = #""sequence_id": "s", "sequence_start": \#(start)"#
                    return try client.request("POST", Self.path, body: Self.body([frames], parameters))
                }
                #expect(try post([frames[0]], start: false).status == 404)
                #expect(try post([frames[0]], start: true).status == 200)
                let bad = try post([frames[1], #"{"b64": "aGVsbG8="}"#], start: false)
                #expect(bad.status == 422)
                let error = try bad.decoded(ErrorBody.self)
                #expect(error.code == "undecodable_image")
                #expect(error.error.hasPrefix("instance 0: frame 1: "), "\(error.error)")
                let rest = try post([frames[1]], start: false).decoded(Tagged.self).predictions[0]
                let whole = try client.request("POST", Self.path, body: Self.body([Array(frames[..<2])]))
                #expect(try whole.decoded(Tagged.self).predictions[0][1].probability == rest[0].probability)
                let metrics = try client.request("GET", "/metrics").text
                #expect(metrics.contains(#"martlet_sequence_events_total{event="conflict"} 0"#))
            }
        }

        @Test func `the command line answers as the daemon does`() throws {
            let models = try RecurrentModels()
            let folder = ["--models", models.folder.path, "--model", "clips"]
            let run = try CommandRun(
                ["predict", "--json"] + folder + Self.images.map { "weights/examples/\($0)" }
            )
            #expect(run.status == 0, "\(run.error)")
            let answer = try Daemon.serving(models.folder) { daemon in
                let body = Self.body([try Self.frames()])
                return try Client(port: daemon.port).request("POST", Self.path, body: body)
            }
            let found = try run.decoded(Tagged.self).predictions
            #expect(try found == answer.decoded(Tagged.self).predictions)
            let missing = try CommandRun(["predict"] + folder + ["weights/examples/none.png"])
            #expect(missing.status == 1 && missing.error.contains("none.png"), "\(missing.error)")
        }

        /// What PyTorch says of `clip.gif`; the digit turns round twice, each time hidden.
        private static let bundled: [(way: String, probability: Double)] = [
            ("up", 0.2467), ("left", 0.8623), ("right", 0.5796), ("right", 0.8952), ("right", 0.9030),
            ("right", 0.8007), ("right", 0.6782), ("right", 0.8401), ("right", 0.9627), ("right", 0.6773),
            ("left", 0.9574), ("left", 0.9597), ("left", 0.9490), ("left", 0.9452), ("left", 0.9634),
            ("left", 0.9249),
        ]

        private struct Named: Decodable {
            struct Tag: Decodable {
                let frame: Int
                let label: String
                let probability: Double
            }
            let predictions: [[Tag]]
        }

        @Test func `the bundled model follows a digit behind what hides it`() throws {
            let animation = try Repository.example("clip.gif")
            let answers = try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let named = #"{"b64": "\#(Data(animation).base64EncodedString())"}"#
                return try [
                    client.request("POST", Self.path, body: animation),
                    client.request("POST", Self.path, body: animation, type: "image/gif"),
                    client.request(
                        "POST",
                        Self.path,
                        body: form([animation], boundary: "edge"),
                        type: "multipart/form-data; boundary=edge"
                    ),
                    client.request("POST", Self.path, body: Self.body([[named]])),
                ]
            }
            let tags = try answers[0].decoded(Named.self).predictions[0]
            #expect(tags.map(\.label) == Self.bundled.map { "7 \($0.way)" })
            #expect(tags.map(\.frame) == Array(0..<16))
            for (tag, expected) in zip(tags, Self.bundled) {
                #expect(abs(tag.probability - expected.probability) < 2e-4, "frame \(tag.frame)")
            }
            #expect(Set(answers.map(\.text)).count == 1)
            let clip = [
                "predict", "--json", "--models", "weights", "--model", "clips", "weights/examples/clip.gif",
            ]
            #expect(try CommandRun(clip).decoded(Named.self).predictions[0].map(\.label) == tags.map(\.label))
        }

        @Test func `run takes the frames of clips as one tensor`() throws {
            struct Shapes: Decodable {
                let logits: [Int]
            }
            let models = try RecurrentModels()
            let (input, output) = (
                models.folder.path + "/in.safetensors", models.folder.path + "/out.safetensors"
            )
            func run(_ shape: Shape) throws -> CommandRun {
                let clips = SyntheticWeights.tensor("input", shape, seed: 1)
                try Safetensors.write([("input", clips)], to: input)
                let files = ["--input", input, "--output", output]
                return try CommandRun(["run", "clips", "--models", models.folder.path, "--json"] + files)
            }
            let both = try run([2, 5, 1, 32, 32])
            #expect(both.status == 0, "\(both.error)")
            #expect(try both.decoded(Shapes.self).logits == [2, 5, 3])
            let logits = try Safetensors(path: output).tensor("logits").values
            #expect(try run([1, 5, 1, 32, 32]).status == 0)
            #expect(try Safetensors(path: output).tensor("logits").values == Array(logits[..<15]))
            let flat = try run([5, 1, 32, 32])
            #expect(flat.status == 1 && flat.error.contains("expected batch×steps×1×32×32"), "\(flat.error)")
        }

        @Test func `bench runs the frames of a clip and what reads them`() throws {
            struct Report: Decodable {
                struct Line: Decodable {
                    let name: String
                }
                let parameters: Int
                let sequences_per_second: Double
                let profile: [Line]
            }
            let models = try RecurrentModels()
            let sizes = ["--sequence-length", "3", "--batch", "2", "--seconds", "0.1", "--profile", "--json"]
            let run = try CommandRun(["bench", "clips", "--models", models.folder.path] + sizes)
            #expect(run.status == 0, "\(run.error)")
            let report = try run.decoded(Report.self)
            #expect(report.parameters == 60_856 + 4 * 16 * (84 + 16 + 2) + 3 * 17)
            #expect(report.sequences_per_second > 0)
            #expect(report.profile.first?.name == "cnn.conv1")
            #expect(report.profile.contains { $0.name == "rnn" })
            let long = ["bench", "clips", "--models", models.folder.path, "--sequence-length", "5000"]
            let refusal = try CommandRun(long)
            #expect(refusal.status == 1 && refusal.error.contains("4096 frames"), "\(refusal.error)")
        }
    }
}
