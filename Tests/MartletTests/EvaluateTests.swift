import Foundation
import Testing

extension EndToEndTests {
    /// `martlet evaluate`, `compare`, `classify` of many files and `doctor`, run as a person runs them.
    @Suite struct EvaluateTests {
        private let folder: URL

        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        private func file(_ name: String, _ text: String) throws -> String {
            let place = folder.appending(path: name)
            try Data(text.utf8).write(to: place)
            return place.path
        }

        /// A folder for each class, with so many copies of an example in it.
        private func images(_ classes: [String: [String]]) throws -> String {
            for (label, names) in classes {
                let place = folder.appending(path: "images/\(label)")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                for (index, name) in names.enumerated() {
                    let bytes = Data(try Repository.example(name))
                    try bytes.write(to: place.appending(path: "\(index)-\(name)"))
                }
            }
            return folder.appending(path: "images").path
        }

        private struct Report: Decodable {
            struct Run: Decodable {
                let crops: String?
                let top1: Double
                let top5: Double
                let cost: Double
            }
            let examples: Int
            let failed: Int
            let runs: [Run]
            let confusion: [[Int]]
        }

        @Test func `a folder of classes, in each crop mode, with pictures`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            // One is in the wrong folder, so that there is a mistake.
            let images = try images([
                "3": ["digit-3.png", "digit-3.png", "digit-7.png"], "7": ["digit-7.png"],
            ])
            let output = folder.appending(path: "report")
            let run = try CommandRun([
                "evaluate", "digits", images, "--crops", "center,ten", "--output", output.path, "--json",
            ])
            #expect(run.status == 0, "\(run.error)")
            let report = try run.decoded(Report.self)
            #expect(report.examples == 4)
            #expect(report.runs.map(\.crops) == ["center", "ten"])
            #expect(report.runs.map(\.top1) == [0.75, 0.75])
            #expect(report.runs[0].cost == 1)
            #expect(report.confusion[3][3] == 2 && report.confusion[3][7] == 1 && report.confusion[7][7] == 1)
            for name in ["confusion.png", "reliability.png"] {
                let bytes = try Data(contentsOf: output.appending(path: name))
                #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: output.path)
            #expect(names.sorted() == ["confusion.csv", "confusion.png", "reliability.png", "report.json"])
            let table = try CommandRun(["evaluate", "digits", images])
            #expect(table.output.contains("center (1)  75.00 %"), "\(table.output)")
        }

        @Test func `a file that is no image is named, and the rest counts`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let images = try images(["3": ["digit-3.png"], "7": ["digit-7.png"]])
            try Data("no image".utf8).write(to: URL(filePath: images + "/7/broken.png"))
            let run = try CommandRun(["evaluate", "digits", images, "--json"])
            #expect(run.status == 1)
            #expect(run.error.contains("7/broken.png: "), "\(run.error)")
            let report = try run.decoded(Report.self)
            #expect(report.examples == 2 && report.failed == 1)
        }

        @Test func `JSON lines of what sequence models say`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let tags = try file(
                "tags.jsonl",
                #"{"instance": ["Dogs", "bark"], "labels": ["NOUN", "VERB"]}"# + "\n\n"
                    + #"{"instance": ["Cats"], "labels": ["VERB"]}"#
            )
            let tagged = try CommandRun(["evaluate", "tagger", tags, "--json"])
            #expect(tagged.status == 0, "\(tagged.error)")
            #expect(try tagged.decoded(Report.self).examples == 3)

            struct Regression: Decodable {
                let mean_absolute_error: Double
                let root_mean_square_error: Double
            }
            let day = #"{"instance": [[10.0], [11.0]], "values": [1000.0]}"#
            let values = try CommandRun(["evaluate", "temperature", file("t.jsonl", day + "\n"), "--json"])
            #expect(values.status == 0, "\(values.error)")
            let regression = try values.decoded(Regression.self)
            #expect(regression.mean_absolute_error == regression.root_mean_square_error)
            #expect(900...1100 ~= regression.mean_absolute_error)

            struct Likelihood: Decodable {
                let tokens: Int
                let nats_per_token: Double
            }
            let text = #"{"instance": "To be or not", "context": 4}"#
            let likely = try CommandRun(["evaluate", "shakespeare", file("s.jsonl", text), "--json"])
            #expect(try likely.decoded(Likelihood.self).tokens == 8)
        }

        @Test(arguments: [
            (#"{"label": "Greek"}"#, "expected a member 'instance'"),
            (#"{"instance": "Papadopoulos"}"#, "expected a member 'label'"),
            (#"{"instance": "Papadopoulos", "label": "Grek"}"#, "did you mean 'Greek'?"),
            ("{", "line 1: "),
        ])
        func `says what is wrong in which line`(line: String, message: String) throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let run = try CommandRun(["evaluate", "surnames", file("names.jsonl", line)])
            #expect(run.status == 1)
            #expect(run.error.contains(message) && run.error.contains("line 1"), "\(run.error)")
        }

        @Test func `compares two models where they differ`() throws {
            struct Comparison: Decodable {
                struct Model: Decodable {
                    let top1: Double
                    let only_right: Int
                }
                let agreement: Double
                let models: [Model]
                let mcnemar_p: Double
            }
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let images = try images([
                "horse": ["horse.jpg", "horse.jpg"], "automobile": ["automobile.jpg", "horse.jpg"],
            ])
            let differences = folder.appending(path: "differences.csv").path
            let same = try CommandRun([
                "compare", "cifar10", "cifar10@1", images, "--json", "--output", differences,
            ])
            #expect(same.status == 0, "\(same.error)")
            let comparison = try same.decoded(Comparison.self)
            #expect(comparison.agreement == 1 && comparison.mcnemar_p == 1)
            #expect(comparison.models.map(\.top1) == [0.75, 0.75])
            #expect(comparison.models.map(\.only_right) == [0, 0])
            #expect(
                try String(contentsOfFile: differences, encoding: .utf8)
                    == "example,class,cifar10,cifar10@1\n"
            )
            let unknown = try CommandRun(["compare", "cifar10", "cifar10@9", images])
            #expect(unknown.status == 1)
            #expect(unknown.error.contains("version"), "\(unknown.error)")
        }

        @Test func `classifies what folders and lists name, and goes on after what is broken`() throws {
            struct Line: Decodable {
                struct Prediction: Decodable {
                    let label: String
                }
                let path: String
                let predictions: [Prediction]?
                let error: String?
            }
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let images = try images(["a": Array(repeating: "digit-3.png", count: 40), "b": ["digit-7.png"]])
            try Data("no image".utf8).write(to: URL(filePath: images + "/a/10-digit-3.png"))
            _ = try file("images/.hidden.png", "")
            _ = try file("images/notes.txt", "")
            let list = try file("list", "\(images)/b/0-digit-7.png\r\n\n\(images)/none.png")
            let run = try CommandRun([
                "classify", images, "--files-from", list, "--model", "digits", "--format", "jsonl", "--top-k",
                "1",
            ])
            #expect(run.status == 1)
            #expect(run.error.hasSuffix("martlet: 2 of 43 files could not be classified\n"), "\(run.error)")
            let lines = try run.output.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            #expect(lines.count == 43)
            #expect(lines.map(\.path).dropLast(2) == lines.map(\.path).dropLast(2).sorted()[...])
            #expect(lines.count { $0.predictions?[0].label == "3" } == 39)
            #expect(lines.count { $0.predictions?[0].label == "7" } == 2)
            #expect(lines.count { $0.error != nil } == 2)
            #expect(lines.last?.error == "no such file or directory (ENOENT)")
        }

        @Test func `rows are quoted where they need it, and a file appears whole`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let image = folder.appending(path: "a \"7\", or.png")
            try Data(try Repository.example("digit-7.png")).write(to: image)
            let output = folder.appending(path: "answers.csv").path
            let run = try CommandRun([
                "classify", image.path, "--model", "digits", "--format", "csv", "--top-k", "1", "--output",
                output,
            ])
            #expect(run.status == 0, "\(run.error)")
            #expect(run.output.isEmpty)
            let rows = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
            #expect(rows[0] == "path,rank,index,label,probability,error")
            let path = image.path.split(separator: "\"", omittingEmptySubsequences: false).joined(
                separator: "\"\""
            )
            #expect(rows[1].hasPrefix("\"\(path)\",1,7,7,0.9"), "\(rows[1])")
        }

        @Test func `the doctor finds what is wrong, and says what to do`() throws {
            struct Health: Decodable {
                struct Finding: Decodable {
                    let state: String
                    let subject: String
                    let found: String
                    let advice: String?
                }
                let healthy: Bool
                let findings: [Finding]
            }
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let models = folder.appending(path: "models")
            try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
            for name in ["digits", "surnames"] {
                let source = Repository.weights.appending(path: name)
                try FileManager.default.copyItem(at: source, to: models.appending(path: name))
            }
            let settings = ["MARTLET_PORT": "0", "MARTLET_CACHE": folder.path, "MARTLET_ISA": "portable"]
            let arguments = ["doctor", "--json", "--models", models.path]
            let good = try CommandRun(arguments, environment: settings)
            #expect(good.status == 0, "\(good.output) \(good.error)")
            let healthy = try good.decoded(Health.self)
            #expect(healthy.healthy)
            #expect(healthy.findings.contains { $0.subject == "digits@1" && $0.state == "good" })
            #expect(healthy.findings.contains { $0.subject == "kernels" && $0.found.contains("MARTLET_ISA") })

            try Data("{".utf8).write(to: models.appending(path: "digits/model.json"))
            let bad = try CommandRun(arguments, environment: settings)
            #expect(bad.status == 1)
            let broken = try bad.decoded(Health.self).findings.filter { $0.state == "wrong" }
            #expect(broken.map(\.subject) == ["digits@1"])
            #expect(broken[0].found.contains("model.json") && broken[0].advice != nil)

            let settingsWrong = try CommandRun(arguments, environment: ["MARTLET_PORT": "x"])
            #expect(settingsWrong.status == 1)
            #expect(settingsWrong.output.contains("port: expected"), "\(settingsWrong.output)")
        }

        @Test func `the doctor says who has the port`() throws {
            try Daemon.serving { daemon in
                let environment = ["MARTLET_PORT": "\(daemon.port)", "MARTLET_MODELS": "weights"]
                let run = try CommandRun(["doctor"], environment: environment)
                #expect(run.status == 0, "\(run.output)")
                #expect(run.output.contains("answers there"), "\(run.output)")
            }
        }

        @Test func `completions name models, and colours are for who wants them`() throws {
            for shell in ["bash", "zsh", "fish"] {
                let run = try CommandRun(["completions", shell])
                #expect(run.status == 0 && run.output.contains("martlet"), "\(run.error)")
            }
            #expect(try CommandRun(["completions", "sh"]).status == 2)
            let plain = try CommandRun(["models"], environment: ["TERM": "xterm"])
            #expect(!plain.output.contains("\u{1B}") && plain.error.isEmpty)
            let colored = try CommandRun(["models", "--color", "always"], environment: ["NO_COLOR": "1"])
            #expect(colored.output.contains("\u{1B}[32mready\u{1B}[0m"))
        }
    }
}
