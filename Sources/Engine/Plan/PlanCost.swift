internal import CKernels
internal import Graphs
internal import Tensors

/// What a run of a plan asks of the machine, counted from its operations' definitions.
package struct PlanCost: Sendable {
    /// One operation's part.
    struct Part: Sendable {
        /// For one item.
        let multiplyAdds: Int
        /// Bytes of one item that are read and written.
        let valueBytes: Int
        /// Bytes that are read once for all items.
        let weightBytes: Int
    }

    let parts: [Part]

    /// Multiplications followed by an addition for one item.
    package var multiplyAdds: Int { parts.reduce(0) { $0 + $1.multiplyAdds } }

    /// Bytes of packed and trained weights that a run reads.
    package var weightBytes: Int { parts.reduce(0) { $0 + $1.weightBytes } }

    /// The share of a core's peak that kernels reach.
    private static let share = 0.6
    /// Bytes a second of values, most of which are in a cache, and of weights, most of which are not.
    private static let valueRate = 30e9
    private static let weightRate = 10e9
    /// What beginning an operation takes, in seconds.
    private static let start = 0.3e-6

    /// The seconds that a run on `batch` items takes by this count, to be corrected by what runs do take; `peak` is what
    /// all threads together multiply and add a second.
    func seconds(batch: Int, peak: Double) -> Double {
        parts.reduce(0) { total, part in
            let products = Double(part.multiplyAdds) * Double(batch) / (peak * Self.share)
            let values = Double(part.valueBytes) * Double(batch) / Self.valueRate
            let weights = Double(part.weightBytes) / Self.weightRate
            return total + Self.start + max(products, values + weights)
        }
    }
}

extension Step {
    /// What it asks of the machine.
    var cost: PlanCost.Part {
        let weightBytes = op.readsAllWeights ? weights.reduce(0) { $0 + $1.byteCount } : 0
        return PlanCost.Part(
            multiplyAdds: op.multiplyAdds(inputs: inputShapes, output: outputShapes[0]),
            valueBytes: (inputShapes + outputShapes).reduce(0) { $0 + $1.elementCount }
                * ElementType.f32.size,
            weightBytes: weightBytes
        )
    }
}

extension Plan {
    /// The seconds that `threads` threads take for a batch: an estimate from the operations' products and bytes and a
    /// core's peak, which is measured when it is asked for first.
    package func estimatedSeconds(batch: Int, threads: Int = 1) -> Double {
        cost.seconds(batch: batch, peak: Self.corePeak * Double(threads))
    }

    /// Seconds of work of an operation below which other threads come too late to help.
    private static let forkWorth = 5e-6

    /// Whether one thread is done with a batch before others would have begun.
    package func isTiny(batch: Int) -> Bool {
        estimatedSeconds(batch: batch) < Self.forkWorth * Double(steps.count)
    }

    /// Multiply-adds a second of a core: the best of a few short runs.
    private static let corePeak: Double = {
        let count = 1 << 19
        let clock = ContinuousClock()
        let fastest = (0..<5).map { _ in
            clock.measure {
                let number = kernel_multiply_adds(count)
                precondition(number > 0, "sums of positive numbers came to \(number)")
            }
        }.min()
        return Double(count) / max(1e-9, (fastest ?? .zero) / .seconds(1))
    }()
}
