import CKernels
import Foundation
import Testing

@Suite struct FunctionAccuracyTests {
    /// Every 997th float, of all magnitudes and both signs, and the places where the formulas change.
    static let arguments: [Float] = {
        let positive = stride(from: UInt32(0), to: 0x7F80_0000, by: 997).map { Float(bitPattern: $0) }
        let special: [Float] = [0.625, Float(0.625).nextDown, 9, 44, 87.3, 88.3, 88.4, 1e30, .infinity]
        return (positive + special).flatMap { [$0, -$0] }
    }()

    /// The largest distance in units in the last place of the result, and where it is.
    private func worst(_ found: [Float], _ exact: (Double) -> Double) -> (ulps: Double, at: Float) {
        var worst = (ulps: 0.0, at: Float(0))
        for (x, y) in zip(Self.arguments, found) {
            let expected = exact(Double(x))
            let unit = Double(max(Float(abs(expected)).ulp, Float.leastNormalMagnitude))
            let error = abs(Double(y) - expected) / unit
            if !(error <= worst.ulps) { worst = (error, x) }
        }
        return worst
    }

    @Test func `computes tanh within 3 units in the last place`() {
        var y = Self.arguments
        unsafe kernel_tanh(Self.arguments, &y, y.count)
        let (ulps, at) = worst(y, tanh)
        #expect(ulps <= 3, "tanh(\(at)) is off by \(ulps)")
    }

    @Test func `computes sigmoid within 4 units in the last place`() {
        var y = Self.arguments
        unsafe kernel_sigmoid(Self.arguments, &y, y.count)
        let (ulps, at) = worst(y) { 1 / (1 + exp(-$0)) }
        #expect(ulps <= 4, "sigmoid(\(at)) is off by \(ulps)")
    }

    @Test func `computes SiLU within 5 units in the last place`() {
        var y = Self.arguments
        unsafe kernel_silu(Self.arguments, &y, y.count)
        let low = zip(Self.arguments, y).filter { $0.0 < -87 }
        #expect(low.allSatisfy { $0.1.magnitude <= 1e-35 }) // where the sigmoid is hardly more than nothing
        for index in y.indices where Self.arguments[index] < -87 { y[index] = 0 }
        let (ulps, at) = worst(y) { $0 < -87 ? 0 : $0 / (1 + exp(-$0)) }
        #expect(ulps <= 5, "silu(\(at)) is off by \(ulps)")
    }

    @Test func `computes GELU within a five-millionth of the argument`() throws {
        var y = Self.arguments
        unsafe kernel_gelu(Self.arguments, &y, y.count)
        let errors = zip(Self.arguments, y).filter { $0.0.isFinite }
            .map { x, found in
                let expected = Double(x) * (1 + erf(Double(x) / 2.0.squareRoot())) / 2
                let least = Double(Float.leastNonzeroMagnitude) // a result may be rounded to it
                return (error: (abs(Double(found) - expected) - least) / max(abs(Double(x)), 1e-300), at: x)
            }
        let worst = try #require(errors.max { $0.error < $1.error })
        #expect(worst.error <= 2e-7, "gelu(\(worst.at)) is off by \(worst.error) of it")
    }

    @Test func `computes GELU by tanh within a five-millionth of the argument`() throws {
        var y = Self.arguments
        unsafe kernel_gelu_tanh(Self.arguments, &y, y.count)
        #expect(
            zip(Self.arguments, y).allSatisfy { x, found in
                x.isFinite || found == max(x, 0) || abs(found) < 1e-30
            }
        )
        let errors = zip(Self.arguments, y).filter { $0.0.isFinite }
            .map { x, found in
                let value = Double(x)
                // Where the tangent is −1 the result is nothing; its argument would overflow.
                let cubic = (2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)
                let expected = value / (1 + exp(-2 * cubic))
                let least = 2 * Double(Float.leastNormalMagnitude)
                return (error: (abs(Double(found) - expected) - least) / max(abs(value), 1e-300), at: x)
            }
        let worst = try #require(errors.max { $0.error < $1.error })
        #expect(worst.error <= 2e-7, "gelu by tanh of \(worst.at) is off by \(worst.error) of it")
    }

    @Test func `computes Mish within 8 units in the last place`() {
        var y = Self.arguments
        unsafe kernel_mish(Self.arguments, &y, y.count)
        let low = zip(Self.arguments, y).filter { $0.0 < -86 }
        #expect(low.allSatisfy { $0.1.magnitude <= 1e-34 })
        for index in y.indices where Self.arguments[index] < -86 { y[index] = 0 }
        let (ulps, at) = worst(y) { $0 < -86 ? 0 : $0 * tanh(log1p(exp($0))) }
        #expect(ulps <= 8, "mish(\(at)) is off by \(ulps)")
    }

    @Test func `keeps NaN`() {
        let x: [Float] = [.nan, 1, -1]
        let functions = [
            unsafe kernel_relu, kernel_tanh, kernel_sigmoid, kernel_hard_sigmoid, kernel_hard_swish,
            kernel_silu,
            kernel_gelu, kernel_gelu_tanh, kernel_mish,
        ]
        for function in functions {
            var y = x
            unsafe function(x, &y, x.count)
            #expect(y[0].isNaN)
            #expect(!y[1].isNaN && !y[2].isNaN)
        }
    }
}
