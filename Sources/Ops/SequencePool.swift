internal import CKernels
package import Graphs
package import Tensors

/// One vector for a whole sequence.
///
/// `last` takes the final state of each direction: the last step of the forward half and the first of the backward.
/// `last_output` takes all of the last step, PyTorch's `output[:, -1]`: its backward half has seen that step alone.
/// - Shape: steps × features → features.
package struct SequencePool: Op {
    package enum Kind: String, Sendable, CaseIterable {
        case last
        case lastOutput = "last_output"
        case mean, max

        /// Whether the vector is what the last step says of the sequence, where it is read forwards only.
        package var isLastStep: Bool { self == .last || self == .lastOutput }
    }

    package let kind: Kind
    package let isBidirectional: Bool

    package init(_ kind: Kind, isBidirectional: Bool) {
        self.kind = kind
        self.isBidirectional = isBidirectional
    }

    package var structure: String { "\(kind.rawValue) over the steps" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].rank == 2, inputs[0][0] > 0 else {
            throw ShapeError("sequence pool: expected steps×features, found \(inputs[0])")
        }
        guard kind != .last || !isBidirectional || inputs[0][1] % 2 == 0 else {
            throw ShapeError("sequence pool: expected two halves of features, found \(inputs[0])")
        }
        return [inputs[0][1]]
    }
}

extension SequencePool {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var stepRule: StepRule { .pools }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let (steps, features) = (call.steps(item: task.index), call.inputShape()[1])
        let input = unsafe call.input(item: task.index)
        let output = unsafe call.output(item: task.index)
        switch kind {
        case .mean: unsafe kernel_mean_steps(input, steps, features, output)
        case .max: unsafe kernel_max_steps(input, steps, features, output)
        case .lastOutput: unsafe output.update(from: input + (steps - 1) * features, count: features)
        case .last:
            let forward = isBidirectional ? features / 2 : features
            unsafe output.update(from: input + (steps - 1) * features, count: forward)
            unsafe (output + forward).update(from: input + forward, count: features - forward)
        }
    }
}
