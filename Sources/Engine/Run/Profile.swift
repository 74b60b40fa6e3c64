internal import Graphs

/// Where the time of a run goes: one line for each operation of the plan.
package struct Profile: Sendable {
    /// What one operation took for the whole batch.
    package struct Line: Sendable {
        package let name: String
        package let structure: String
        /// How a convolution is computed; nil for the rest.
        package let algorithm: String?
        package let duration: Duration
        /// Multiplications followed by an addition that its definition asks for, whatever the algorithm does.
        package let multiplyAdds: Int
    }

    package let lines: [Line]
    /// The multiply-adds a second that the threads can do at most, measured at the same time.
    package let peak: Double
}

extension Session {
    /// Runs the network and times every operation, with the threads inside it; the best of some runs for each.
    ///
    /// - Precondition: `prepare` was called and the input is set; it is used up.
    package func profile(runs: Int) -> Profile {
        let run = planRun(isAlone: false)
        var best = [Duration](repeating: .seconds(1 << 30), count: run.plan.steps.count)
        let clock = ContinuousClock()
        for _ in 0..<max(1, runs) {
            for index in run.plan.steps.indices {
                best[index] = min(best[index], clock.measure { run.runStep(index) })
            }
        }
        let lines = zip(run.plan.steps, best).map { step, duration in
            Profile.Line(
                name: step.name,
                structure: step.op.structure,
                algorithm: step.op.algorithmName,
                duration: duration,
                multiplyAdds: run.memory.batch
                    * step.op.multiplyAdds(inputs: step.inputShapes, output: step.outputShapes[0])
            )
        }
        return Profile(lines: lines, peak: run.pool.measuredPeak())
    }
}
