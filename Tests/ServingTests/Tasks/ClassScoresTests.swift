import Foundation
import Support
import Tasks
import Testing

struct ClassScoresTests {
    @Test func `probabilities are the softmax in double precision`() throws {
        let scores = try ClassScores([[1, 2, 3]])
        let powers = [1.0, 2, 3].map { exp($0) }
        for (found, power) in zip(scores.probabilities, powers) {
            #expect(abs(found - power / powers.reduce(0, +)) < 1e-15)
        }
        #expect(scores.logits == [1, 2, 3])
    }

    @Test func `large logits do not overflow`() throws {
        #expect(try ClassScores([[3e38, -3e38]]).probabilities == [1, 0])
    }

    @Test func `crops are averaged as probabilities or as logits`() throws {
        let outputs: [[Float]] = [[0, 4], [2, 0]]
        let byProbability = try ClassScores(outputs)
        let first = 1 / (1 + exp(4.0))
        let second = 1 / (1 + exp(-2.0))
        #expect(abs(byProbability.probabilities[0] - (first + second) / 2) < 1e-15)
        #expect(byProbability.logits == [1, 2])
        let byLogit = try ClassScores(outputs, average: .logits)
        #expect(abs(byLogit.probabilities[0] - 1 / (1 + exp(1.0))) < 1e-15)
        #expect(byLogit.logits == [1, 2])
    }

    @Test func `the top classes come in order, equals by index, and no more than there are`() throws {
        let scores = try ClassScores([[1, 5, 1, 5, 0]])
        #expect(scores.top(3).map(\.index) == [1, 3, 0])
        #expect(scores.top(99).map(\.index) == [1, 3, 0, 2, 4])
        #expect(scores.top(1, labels: ["a", "b", "c", "b", "e"]).map(\.label) == ["b"])
        #expect(scores.top(1)[0].label == nil)
        #expect(scores.top(1)[0].logit == 5)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `an output that is not finite is an error of the server`(value: Float) {
        let error = #expect(throws: ServingError.self) { try ClassScores([[0, 1], [0, value]]) }
        #expect(error?.status.code == 500)
        #expect(error?.code == "not_finite")
        #expect(error?.message == "the network's output 1 of crop 1 is not a finite number")
    }
}
