import Engine
import Foundation

extension Reference {
    /// b_i = a_i / (k + α·Σ a_j²)^β over the channels from i − n/2 to i + (n − 1)/2.
    static func localResponseNorm(_ op: LocalResponseNorm, _ x: Array) -> Array {
        var y = x
        for c in 0..<x.shape[0] {
            let channels = max(0, c - op.size / 2)...min(x.shape[0] - 1, c + (op.size - 1) / 2)
            for i in 0..<x.shape[1] {
                for j in 0..<x.shape[2] {
                    let sum = channels.reduce(0) { $0 + x[$1, i, j] * x[$1, i, j] }
                    y[c, i, j] = x[c, i, j] / pow(Double(op.k) + Double(op.alpha) * sum, Double(op.beta))
                }
            }
        }
        return y
    }
}
