import Engine
import Foundation
import Testing

extension EndToEndTests {
    /// The subcommands, run as a person runs them: status, what they print, what they write.
    @Suite struct CommandLineTests {
        private static func martlet(_ arguments: String...) throws -> CommandRun {
            try CommandRun(arguments)
        }

        private struct Prediction: Decodable {
            let index: Int
            let label: String
            let probability: Double
        }

        @Test func `classify names the digits`() throws {
            struct Answer: Decodable {
                struct Result: Decodable {
                    let path: String
                    let predictions: [Prediction]
                }
                let results: [Result]
            }
            let images = ["weights/examples/digit-7.png", "weights/examples/digit-3.png"]
            let run = try Self.martlet(
                "classify",
                images[0],
                images[1],
                "--model",
                "digits",
                "--top-k",
                "2",
                "--json"
            )
            #expect(run.status == 0, "\(run.error)")
            let results = try run.decoded(Answer.self).results
            #expect(results.map(\.path) == images)
            #expect(results.map { $0.predictions[0].label } == ["7", "3"])
            #expect(results.allSatisfy { $0.predictions.count == 2 })
            let table = try Self.martlet("classify", images[0], "--model", "digits", "--crops", "ten")
            #expect(table.output.contains("probability  index  label"))
        }

        @Test func `predict names the language`() throws {
            struct Answer: Decodable {
                struct Result: Decodable {
                    let label: String
                    let scores: [Prediction]
                }
                let predictions: [Result]
            }
            let run = try Self.martlet(
                "predict",
                "--model",
                "surnames",
                "Takahashi",
                "Papadopoulos",
                "--json"
            )
            #expect(run.status == 0, "\(run.error)")
            let predictions = try run.decoded(Answer.self).predictions
            #expect(predictions.map(\.label) == ["Japanese", "Greek"])
            #expect(predictions[0].scores.count == 3)
        }

        @Test func `models lists the folder and whether each loads`() throws {
            let run = try Self.martlet("models", "--json")
            #expect(run.status == 0)
            let listing = try run.decoded(Listing.self)
            #expect(Set(listing.models.map(\.name)).isSuperset(of: ["digits", "surnames"]))
            #expect(listing.models.allSatisfy { $0.state == "ready" })
        }

        @Test func `inspect prints the published table`() throws {
            let run = try Self.martlet("inspect", "alexnet_2012")
            #expect(run.status == 0)
            let rows = run.output.split(separator: "\n")
            #expect(rows.count == 14)
            for (row, numbers) in [
                (1, ["35K", "105M"]), (3, ["307K"]), (5, ["149M"]), (6, ["112M"]), (9, ["37M"]),
            ] {
                for number in numbers { #expect(rows[row].contains(number), "\(rows[row])") }
            }
            struct Table: Decodable {
                let parameters: Int
            }
            #expect(
                try Self.martlet("inspect", "alexnet_2012", "--json").decoded(Table.self).parameters
                    == 60_965_224
            )
        }

        @Test func `run computes what tensor prepared, as classify does`() throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "martlet-\(UUID().uuidString)"
            )
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
            let (input, output) = (folder.path + "/in.safetensors", folder.path + "/out.safetensors")
            struct Prepared: Decodable {
                let shape: [Int]
            }
            struct Computed: Decodable {
                let logits: [Int]
                let probabilities: [Int]
            }
            let tensor = try Self.martlet(
                "tensor",
                "weights/examples/digit-7.png",
                "--model",
                "digits",
                "--crops",
                "ten",
                "--output",
                input,
                "--json"
            )
            #expect(tensor.status == 0, "\(tensor.error)")
            #expect(try tensor.decoded(Prepared.self).shape == [5, 1, 32, 32])
            let run = try Self.martlet("run", "digits", "--input", input, "--output", output, "--json")
            #expect(run.status == 0, "\(run.error)")
            let named = try Self.martlet(
                "run",
                "--model",
                "digits",
                "--input",
                input,
                "--output",
                output,
                "--json"
            )
            #expect(named.output == run.output)
            let shapes = try run.decoded(Computed.self)
            #expect(shapes.logits == [5, 10] && shapes.probabilities == [5, 10])
            let file = try TensorFile(contentsOf: URL(filePath: output))
            let bytes = try #require(file.entries.first { $0.name == "probabilities" }).bytes
            let probabilities = Array(bytes).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            #expect(probabilities.count == 50)
            for crop in 0..<5 {
                let classes = probabilities[crop * 10..<crop * 10 + 10]
                #expect(classes.max() == classes[crop * 10 + 7])
            }
        }

        @Test func `run checks each column of tokens against its own table`() throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "martlet-\(UUID().uuidString)"
            )
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
            let (input, output) = (folder.path + "/in.safetensors", folder.path + "/out.safetensors")
            func run(_ step: [Float]) throws -> CommandRun {
                let tensor = Tensor(shape: [1, 1, 5], values: step)
                try Safetensors.write([(name: "input", tensor: tensor)], to: input)
                return try Self.martlet("run", "tagger", "--input", input, "--output", output)
            }
            // The words have 8,866 numbers, the suffixes of two letters 592.
            let known = try run([8000, 3, 591, 3, 3])
            #expect(known.status == 0, "\(known.error)")
            let unknown = try run([3, 3, 592, 3, 3])
            #expect(unknown.status == 1)
            #expect(
                unknown.error.contains("expected whole numbers from 0 to 591, found 592.0"),
                "\(unknown.error)"
            )
        }

        @Test func `bench profiles each operation of a network`() throws {
            struct Report: Decodable {
                struct Line: Decodable {
                    let name: String
                    let operation: String
                    let algorithm: String?
                    let ms: Double
                    let gflops: Double?
                    let percent_of_peak: Double?
                }
                let model: String
                let architecture: String
                let batch: Int
                let threads: Int
                let seconds: Double
                let iterations: Int
                let images_per_second: Double
                let latency_ms: [String: Double]
                let gflops: Double
                let parameters: Int
                let peak_gflops: Double
                let profile: [Line]
            }
            let run = try CommandRun(
                "bench --architecture resnext50_32x4d --input 65 --batch 2 --threads 2 --no-tune --seconds 0.1 --profile"
                    .split(separator: " ").map(String.init) + ["--json"]
            )
            #expect(run.status == 0, "\(run.error)")
            let report = try run.decoded(Report.self)
            #expect(report.model == "resnext50_32x4d" && report.architecture == "resnext50_32x4d")
            #expect(report.batch == 2 && report.threads == 2 && report.parameters == 25_028_904)
            #expect(report.iterations >= 3 && report.seconds > 0 && report.images_per_second > 0)
            #expect(Set(report.latency_ms.keys) == ["min", "p50", "p90", "p99"])
            #expect(report.gflops > 0 && report.peak_gflops > 1)
            let lines = report.profile
            #expect(lines.allSatisfy { !$0.name.isEmpty && !$0.operation.isEmpty && $0.ms > 0 })
            let convolutions = lines.filter { $0.operation.contains("filters") }
            #expect(convolutions.count == 53 && convolutions.allSatisfy { $0.algorithm != nil })
            #expect(lines.filter { $0.gflops != nil }.map(\.name) == convolutions.map(\.name) + ["fc"])
            for line in lines {
                let percent = line.gflops.map { 100 * $0 / report.peak_gflops } ?? 0
                #expect(abs((line.percent_of_peak ?? 0) - percent) < 1e-6 * (1 + percent), "\(line.name)")
            }
            let table = try Self.martlet("bench", "digits", "--seconds", "0.05", "--profile").output
            for part in ["algorithm", "ms", "GFLOP/s", "% of peak", "direct", "fc1", "measured"] {
                #expect(table.contains(part), "\(part) in \(table)")
            }
        }

        @Test func `bench reports the speed`() throws {
            struct Report: Decodable {
                let architecture: String
                let batch: Int
                let iterations: Int
                let parameters: Int
                let images_per_second: Double?
                let sequences_per_second: Double?
                let latency_ms: [String: Double]
            }
            let images = try Self.martlet("bench", "digits", "--batch", "4", "--seconds", "0.05", "--json")
            let report = try images.decoded(Report.self)
            #expect(report.architecture == "lenet5" && report.batch == 4 && report.parameters == 61_706)
            #expect(report.iterations >= 3 && (report.images_per_second ?? 0) > 0)
            #expect(Set(report.latency_ms.keys) == ["min", "p50", "p90", "p99"])
            let sequences = try Self.martlet(
                "bench",
                "--architecture",
                "lstm",
                "--input",
                "16",
                "--hidden",
                "24",
                "--sequence-length",
                "8",
                "--seconds",
                "0.05",
                "--json"
            )
            #expect((try sequences.decoded(Report.self).sequences_per_second ?? 0) > 0, "\(sequences.error)")
        }

        @Test(arguments: [
            (["inspect", "resnet5"], Int32(1), "did you mean 'resnet50'"),
            (["classify", "nothing.png", "--model", "digits"], 1, "nothing.png"),
            (["classify", "README.md", "--model", "digits"], 1, "the bytes look like text"),
            (["classify", "weights/examples/digit-7.png", "--model", "digit"], 1, "did you mean 'digits'"),
            (["run", "digits", "--input", "README.md", "--output", "x"], 1, "not a safetensors file"),
            (["run", "--input", "README.md", "--output", "x"], 2, "expected one model"),
            (["run", "digits", "--model", "digits", "--input", "x", "--output", "x"], 2, "found two"),
            (["generate", "--model", "shakespeare", "one", "two"], 2, "expected one prompt, found 2"),
            (["generate", "digits", "x", "y"], 2, "expected one prompt, found 2"),
            (["bench"], 2, "NAME"), (["inspect"], 2, "Usage"), (["nonsense"], 2, "Usage"),
            (["classify", "x.png", "--top-k", "0"], 2, "top-k"),
            (["serve", "--port", "70000"], 2, "0 to 65535"),
            (["serve", "--models", "nowhere"], 1, "nowhere"),
            (["probe", "--url", "http://127.0.0.1:1/readyz"], 1, "http://127.0.0.1:1/readyz"),
            (["probe", "--url", "https://localhost"], 2, "expected http://HOST[:PORT][/PATH]"),
            (["probe", "--url", "http://[::1]:x"], 2, "expected http://HOST[:PORT][/PATH]"),
            (["probe", "--timeout", "0"], 2, "1 to 3600"),
        ])
        func `what cannot be done ends with its status and says why`(
            arguments: [String],
            status: Int32,
            part: String
        ) throws {
            let run = try CommandRun(arguments)
            #expect(run.status == status, "\(run.error)")
            #expect(run.error.contains(part), "\(run.error)")
        }

        @Test func `probe tells whether a daemon is well`() throws {
            try Daemon.serving { daemon in
                let base = "http://127.0.0.1:\(daemon.port)"
                let ready = try Self.martlet("probe", "--url", base, "--timeout", "60")
                #expect(ready.status == 0, "\(ready.error)")
                let unknown = try Self.martlet("probe", "--url", base + "/nothing")
                #expect(unknown.status == 1)
                #expect(unknown.error.contains("expected status 200, found status 404"), "\(unknown.error)")
            }
        }

        @Test func `print-config shows every setting and where it comes from`() throws {
            let run = try Self.martlet("serve", "--port", "9000", "--print-config")
            #expect(run.status == 0)
            let port = run.output.split(separator: "\n").first { $0.hasPrefix("port ") } ?? ""
            #expect(port.contains("9000") && port.hasSuffix("flag --port"), "\(port)")
        }
    }
}
