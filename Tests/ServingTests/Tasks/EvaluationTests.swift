import Models
import Tasks
import Testing

struct EvaluationTests {
    private func scores(_ logits: [Float]) throws -> ClassScores { try ClassScores([logits]) }

    @Test func `ranks count equally likely classes in their order`() throws {
        var tally = ClassificationTally(classes: 6)
        // The right class is fifth of six, then sixth.
        #expect(tally.add(try scores([6, 5, 4, 3, 2, 1]), right: 4) == 0)
        #expect(tally.add(try scores([6, 5, 4, 3, 2, 1]), right: 5) == 0)
        // Of six equal ones the sixth is the last.
        #expect(tally.add(try scores([0, 0, 0, 0, 0, 0]), right: 5) == 0)
        #expect(tally.add(try scores([0, 0, 0, 0, 0, 0]), right: 4) == 0)
        #expect(tally.add(try scores([0, 9, 0, 0, 0, 0]), right: 1) == 1)
        #expect(tally.count == 5)
        #expect(tally.top1 == 0.2)
        #expect(tally.top5 == 0.6)
    }

    @Test func `a right class without any probability costs much and not everything`() throws {
        var tally = ClassificationTally(classes: 2)
        tally.add(try scores([0, 10_000]), right: 0)
        #expect(tally.negativeLogLikelihood.isFinite && tally.negativeLogLikelihood > 700)
    }

    @Test func `the matrix has who is right in rows and who is found in columns`() {
        var matrix = ConfusionMatrix(classes: 3)
        for (right, found) in [(0, 0), (0, 1), (0, 1), (1, 1), (2, 1)] {
            matrix.add(right: right, found: found)
        }
        #expect(matrix[0, 1] == 2)
        #expect(matrix[1, 0] == 0)
        #expect(matrix.total == 5)
        #expect(matrix.accuracy == 0.4)
        let quality = matrix.perClass
        #expect(quality.map(\.count) == [3, 1, 1])
        #expect(quality.map(\.found) == [1, 4, 0])
        #expect(quality[1].precision == 0.25)
        #expect(quality[0].recall == 1.0 / 3)
        #expect(quality[2].precision == 0 && quality[2].f1 == 0)
        #expect(quality[0].f1 == 0.5)
        #expect(matrix.mistakes(9).map(\.count) == [2, 1])
        #expect(matrix.mistakes(1).map(\.right) == [0])
        #expect(ConfusionMatrix(classes: 2).accuracy == 0)
    }

    @Test func `reliability is of bins that the examples weigh`() {
        var reliability = Reliability(bins: 4)
        #expect(reliability.expectedCalibrationError == 0)
        for (confidence, isRight) in [(0.9, true), (0.9, false), (0.3, true), (1.0, true)] {
            reliability.add(confidence: confidence, isRight: isRight)
        }
        #expect(reliability.bins.map(\.count) == [0, 1, 0, 3])
        #expect(abs(reliability.expectedCalibrationError - (0.7 + 0.8) / 4) < 1e-12)
        #expect(abs(reliability.maximumCalibrationError - 0.7) < 1e-12)
    }

    /// The two-sided binomial test, as SciPy's `binomtest` gives it.
    @Test(arguments: [
        (0, 0, 1.0), (5, 5, 1.0), (0, 1, 1.0), (0, 5, 0.0625), (1, 5, 0.21875), (2, 12, 0.012939453125),
        (4, 5, 1.0), (40, 70, 0.00544743),
    ])
    func `the exact test`(first: Int, second: Int, expected: Double) {
        for (one, other) in [(first, second), (second, first)] {
            var comparison = PairedComparison()
            for _ in 0..<one { comparison.add(first: 1, second: 0, right: 1) }
            for _ in 0..<other { comparison.add(first: 0, second: 1, right: 1) }
            #expect(abs(comparison.pValue - expected) < 1e-5, "\(comparison.pValue) for \(one), \(other)")
        }
    }

    @Test func `the exact test of a hundred thousand has no overflow`() {
        var comparison = PairedComparison()
        for index in 0..<100_000 { comparison.add(first: index % 2, second: 1 - index % 2, right: 1) }
        #expect(comparison.pValue == 1)
        #expect(comparison.agreed == 0)
        for _ in 0..<3000 { comparison.add(first: 1, second: 2, right: 1) }
        #expect(comparison.pValue < 1e-15 && comparison.pValue > 0)
        comparison.add(first: 3, second: 3, right: 1)
        #expect(comparison.agreed == 1 && comparison.bothRight == 0)
    }
}
