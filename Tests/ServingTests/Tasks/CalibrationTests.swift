import Tasks
import Tensors
import Testing

struct CalibrationTests {
    /// Examples whose classes are drawn from the very probabilities that the logits, divided by `sureness`, stand for.
    private func examples(_ count: Int, sureness: Double, seed: UInt64) -> Calibration {
        var random = SplitMix64(seed: seed)
        var (logits, classes) = ([[Double]](), [Int]())
        for _ in 0..<count {
            let row = (0..<5).map { _ in Double.random(in: -3...3, using: &random) }
            let powers = row.map { power($0) }
            var rest = Double.random(in: 0..<powers.reduce(0, +), using: &random)
            let drawn = powers.firstIndex { power in
                rest -= power
                return rest < 0
            }
            logits.append(row.map { $0 * sureness })
            classes.append(drawn ?? 0)
        }
        return Calibration(logits: logits, classes: classes)
    }

    /// e to the power of x, by its series.
    private func power(_ x: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        for n in 1..<60 {
            term *= x / Double(n)
            sum += term
        }
        return sum
    }

    @Test(arguments: [0.5, 1.0, 2.5])
    func `finds by how much a model is too sure, and its error goes`(sureness: Double) {
        let calibration = examples(20_000, sureness: sureness, seed: 7)
        let temperature = calibration.temperature()
        #expect(abs(temperature / sureness - 1) < 0.03, "\(temperature) for \(sureness), seed 7")
        let (before, after) = (calibration.quality(at: 1), calibration.quality(at: temperature))
        #expect(after.negativeLogLikelihood <= before.negativeLogLikelihood)
        #expect(after.expectedCalibrationError < 0.015)
        if sureness != 1 { #expect(before.expectedCalibrationError > 0.08) }
        for other in [temperature * 0.99, temperature * 1.01] {
            #expect(calibration.quality(at: other).negativeLogLikelihood > after.negativeLogLikelihood)
        }
    }

    @Test func `stays within its bounds where the examples leave it open`() {
        let right = Calibration(logits: [[4, 0], [0, 4]], classes: [0, 1])
        #expect(right.temperature() == Calibration.range.lowerBound)
        #expect(right.accuracy == 1)
        let wrong = Calibration(logits: [[4, 0], [0, 4]], classes: [1, 0])
        #expect(wrong.temperature() == Calibration.range.upperBound)
        #expect(wrong.accuracy == 0)
    }

    @Test func `the error is that of the bins`() {
        // Two examples at 0.8808 (one right), two at 0.5 (one right): |0.8808 − 0.5| and |0.5 − 0.5|, half each.
        let calibration = Calibration(logits: [[2, 0], [2, 0], [0, 0], [0, 0]], classes: [0, 1, 0, 1])
        let quality = calibration.quality(at: 1)
        #expect(abs(quality.expectedCalibrationError - 0.19039854) < 1e-7)
        #expect(abs(quality.negativeLogLikelihood - (0.12692801 + 2.12692801 + 2 * 0.69314718) / 4) < 1e-7)
    }
}
