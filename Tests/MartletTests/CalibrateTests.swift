import Foundation
import Testing

extension EndToEndTests {
    /// `martlet calibrate`, from examples to the answers that follow from it.
    @Suite struct CalibrateTests {
        private struct Report: Decodable {
            struct Quality: Decodable {
                let temperature: Double
                let negative_log_likelihood: Double
                let expected_calibration_error: Double
            }
            let examples: Int
            let accuracy: Double
            let temperature: Double
            let written: Bool
            let before: Quality
            let after: Quality
        }

        private let folder: URL

        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        private func copy(_ model: String) throws -> URL {
            let copy = folder.appending(path: "models/\(model)")
            try FileManager.default.createDirectory(
                at: copy.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try FileManager.default.copyItem(at: Repository.weights.appending(path: model), to: copy)
            return copy.appending(path: "model.json")
        }

        private func calibrate(_ model: String, _ examples: URL, _ options: String...) throws -> CommandRun {
            let models = folder.appending(path: "models").path
            return try CommandRun(
                ["calibrate", model, examples.path, "--models", models, "--json"] + options
            )
        }

        @Test func `texts of a table, and what is answered then`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            let manifest = try copy("surnames")
            let before = try String(contentsOf: manifest, encoding: .utf8)
            let table = folder.appending(path: "names.csv")
            // Some are wrong on purpose: the model is surer than it is right.
            try Data(
                """
                Takahashi,Japanese\r
                "Papadopoulos",Greek
                Takahashi,7

                Kowalski,Polish
                "Nakamura","Japanese"
                Suzuki,Polish
                """.utf8
            ).write(to: table)
            let dry = try calibrate("surnames", table, "--no-write")
            #expect(dry.status == 0, "\(dry.error)")
            #expect(try String(contentsOf: manifest, encoding: .utf8) == before)
            let run = try calibrate("surnames", table)
            let report: Report = try run.decoded()
            #expect(report.examples == 6 && report.written)
            #expect(report.temperature > 1.5 && report.temperature < 20, "\(run.output)")
            #expect(report.before.temperature == 1 && report.after.temperature == report.temperature)
            #expect(report.after.negative_log_likelihood < report.before.negative_log_likelihood)
            let after = try String(contentsOf: manifest, encoding: .utf8)
            #expect(after.contains("\"temperature\": \(report.temperature)"))
            #expect(after.hasPrefix(before.prefix { $0 != "}" }.dropLast(2)))
            try check(report.temperature)
            // Of a model that is calibrated nothing changes.
            let again: Report = try calibrate("surnames", table).decoded()
            #expect(again.temperature == report.temperature && again.before.temperature == report.temperature)
        }

        /// The daemon's and the command's probabilities are those of logits that were divided.
        private func check(_ temperature: Double) throws {
            struct Predictions: Decodable {
                struct Prediction: Decodable {
                    let scores: [Score]
                }
                struct Score: Decodable {
                    let probability: Double
                    let logit: Double
                }
                let predictions: [Prediction]
            }
            let models = folder.appending(path: "models").path
            let run = try CommandRun(
                [
                    "predict", "Takahashi", "--model", "surnames", "--models", models, "--top-k", "18",
                    "--json",
                ]
            )
            let scores = try run.decoded(Predictions.self).predictions[0].scores
            let powers = scores.map { exp(($0.logit - scores[0].logit) / temperature) }
            for (score, power) in zip(scores, powers) {
                #expect(abs(score.probability - power / powers.reduce(0, +)) < 1e-6)
            }
        }

        @Test func `images of a folder of classes`() throws {
            defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
            _ = try copy("digits")
            let images = folder.appending(path: "images")
            // The last is a seven that somebody took for a one.
            for (label, digit) in [("3", "3"), ("7", "7"), ("1", "7")] {
                let place = images.appending(path: label)
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                try Data(Repository.example("digit-\(digit).png")).write(to: place.appending(path: "a.png"))
            }
            let run = try calibrate("digits", images)
            #expect(run.status == 0, "\(run.error)")
            let report: Report = try run.decoded()
            #expect(report.examples == 3 && abs(report.accuracy - 2.0 / 3) < 1e-9)
            #expect(report.temperature > 1)
            try FileManager.default.moveItem(
                at: images.appending(path: "1"),
                to: images.appending(path: "11")
            )
            let unknown = try calibrate("digits", images)
            #expect(unknown.status == 1 && unknown.error.contains("model 'digits' has no class '11'"))
        }
    }
}
