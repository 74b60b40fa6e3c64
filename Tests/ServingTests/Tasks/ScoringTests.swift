import API
import Foundation
import Models
import Support
import Tasks
import Testing

/// What `activation`, `temperature` and `threshold` of a manifest make of logits and of answers.
struct ScoringTests {
    private static let image =
        #""architecture": "resnet18", "task": "image-classification", "preprocessing": {}"#
    private static let tags =
        #""architecture": "lstm", "task": "token-classification", "input": {"kind": "tokens", "size": 3}"#
    private static let values =
        #""architecture": "lstm", "task": "sequence-regression", "input": {"kind": "features", "size": 3}"#

    private func scoring(_ text: String) throws -> Scoring {
        try Manifest(parsing: Array("{\(text)}".utf8)).scoring
    }

    @Test func `reads what a manifest says`() throws {
        #expect(try scoring(Self.image) == Scoring())
        let scoring = try scoring(
            Self.image + #", "activation": "sigmoid", "temperature": 1.5, "threshold": 0.25"#
        )
        #expect(scoring.activation == .sigmoid && scoring.temperature == 1.5 && scoring.threshold == 0.25)
        #expect(try self.scoring(Self.tags + #", "temperature": 2"#).temperature == 2)
    }

    // swift-format-ignore
    static let faults: [(String, String)] = [
        (image + #", "activation": "tanh""#,   "activation: expected softmax, sigmoid; found 'tanh'"),
        (image + #", "temperature": 0"#,       "temperature: expected a number from 0.01 to 100.0, found 0"),
        (image + #", "threshold": 1.5"#,       "threshold: expected a probability from 0 to 1, found 1.5"),
        (image + #", "threshold": "a""#,       "threshold: expected a number, found 'a'"),
        (tags + #", "threshold": 0.5"#,        "threshold: each step of a 'token-classification' has one class, the most probable"),
        (values + #", "temperature": 2"#,      "temperature: only a model of classes has one, but 'task' is 'sequence-regression'"),
    ]

    @Test(arguments: faults)
    func `says what cannot be meant`(text: String, message: String) {
        let error = #expect(throws: FormatError.self) { try scoring(text) }
        #expect(error?.description == message)
    }

    @Test func `a temperature divides the logits and keeps their order`() throws {
        var scoring = Scoring()
        scoring.temperature = 2
        let scores = try ClassScores([[1, 4, 2]], scoring: scoring)
        let powers = [0.5, 2, 1].map { exp($0) }
        for (found, power) in zip(scores.probabilities, powers) {
            #expect(abs(found - power / powers.reduce(0, +)) < 1e-15)
        }
        #expect(scores.logits == [1, 4, 2])
        #expect(scores.top(3).map(\.index) == [1, 2, 0])
    }

    @Test func `a sigmoid gives each class a probability of its own, in each crop`() throws {
        var scoring = Scoring()
        scoring.activation = .sigmoid
        let sigmoid = { (x: Double) in 1 / (1 + exp(-x)) }
        let scores = try ClassScores([[0, 2], [-2, 4]], scoring: scoring)
        #expect(abs(scores.probabilities[0] - (0.5 + sigmoid(-2)) / 2) < 1e-15)
        #expect(abs(scores.probabilities[1] - (sigmoid(2) + sigmoid(4)) / 2) < 1e-15)
        let byLogit = try ClassScores([[0, 2], [-2, 4]], average: .logits, scoring: scoring)
        #expect(abs(byLogit.probabilities[0] - sigmoid(-1)) < 1e-15)
        #expect(try ClassScores([[-2000, 2000]], scoring: scoring).probabilities == [0, 1])
    }

    @Test func `a threshold lists what reaches it, however many, and nothing else`() throws {
        var scoring = Scoring()
        scoring.activation = .sigmoid
        scoring.threshold = 0.5
        let scores = try ClassScores([[3, -1, 0, 2, 1, 5, 4, 6]], scoring: scoring)
        #expect(scores.listed(nil).map(\.index) == [7, 5, 6, 0, 3, 4, 2])
        #expect(scores.listed(2).map(\.index) == [7, 5])
        #expect(scores.top(8).count == 8)
        let none = try ClassScores([[-1, -2]], scoring: scoring)
        #expect(none.listed(nil).isEmpty && none.listed(1).isEmpty)
        #expect(try ClassScores([[1, 2, 3, 4, 5, 6, 7]]).listed(nil).count == 5)
    }
}
