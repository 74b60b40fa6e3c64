internal import CKernels
package import Graphs
package import Tensors

/// What a decoder looks at: the mean of the values in a memory, weighted by how well the key beside each fits a query.
///
/// A row of the memory is a value with its key behind it; where it is no wider than a key, the value is its own key.
/// The weights are the softmax over the rows of a score:
/// - `dot`:  q · k. With k = W·value made beforehand this is Luong's `general` score, qᵀ·W·value.
/// - `additive`:  Va · tanh(q + k) + b, with q and k the products that Bahdanau calls W_a·s and U_a·h.
///
/// - Shape: steps × (values + keys) or steps × keys, and a query of keys → 1 × values, and the weights, one a step.
/// - Source: Luong et al. 2015, §3.1; Bahdanau et al. 2015, §3.1 and A.1.2.
package struct Attention: Op {
    package enum Score: String, Sendable, CaseIterable {
        case dot, additive
    }

    package let score: Score
    package let values: Int
    package let keys: Int
    /// Whether `Va` has a bias, which moves every score alike.
    package let hasBias: Bool

    package init(_ score: Score, values: Int, keys: Int, hasBias: Bool = true) {
        self.score = score
        self.values = values
        self.keys = keys
        self.hasBias = hasBias
    }

    package var structure: String { "\(score.rawValue) scores of \(keys), means of \(values)" }

    package var parameters: [Parameter] {
        guard score == .additive else { return [] }
        let weight = Parameter("Va.weight", [1, keys])
        return hasBias ? [weight, Parameter("Va.bias", [1])] : [weight]
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2, inputs[0].rank == 2, inputs[1].elementCount == keys else {
            let found = inputs.map(\.description).joined(separator: " and ")
            throw ShapeError("attention: expected a memory and a query of \(keys), found \(found)")
        }
        guard inputs[0][1] == values + keys || values == keys && inputs[0][1] == keys else {
            throw ShapeError("attention: expected steps×(\(values) + \(keys)), found \(inputs[0])")
        }
        return [1, values]
    }

    package func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape] {
        [try outputShape(of: inputs), [inputs[0][0]]]
    }

    /// The weights are those of the memory's steps.
    package func hasSteps(output: Int) -> Bool { output == 1 }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { inputs[0][0] * (keys + values) }
}

extension Attention {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var stepRule: StepRule { .pools }

    /// The values of tanh.
    package func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(perThread: score == .additive ? keys : 0)
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let (steps, width) = (call.steps(item: task.index), call.inputShape()[1])
        let memory = unsafe call.input(item: task.index)
        let query = unsafe call.input(1, item: task.index)
        let weights = unsafe call.output(1, item: task.index)
        let firstKey = unsafe memory + (width - keys)
        switch score {
        case .dot: unsafe kernel_linear(steps, keys, 1, firstKey, width, query, nil, weights, 1)
        case .additive:
            let sums = unsafe call.scratch(of: task.thread)
            for step in 0..<steps {
                unsafe kernel_add(query, firstKey + step * width, sums, keys)
                unsafe kernel_tanh(sums, sums, keys)
                let bias = unsafe hasBias ? call.weight(1) : nil
                unsafe kernel_linear(1, keys, 1, sums, keys, call.weight(0), bias, weights + step, 1)
            }
        }
        unsafe kernel_softmax(weights, weights, steps)
        // In pieces that are small enough for the product that allocates nothing.
        let chunks = Chunks(values, of: (1 << 20) / steps)
        for chunk in 0..<chunks.count {
            let columns = chunks[chunk]
            unsafe kernel_gemm(
                1,
                columns.count,
                steps,
                weights,
                memory + columns.lowerBound,
                width,
                nil,
                call.output(item: task.index) + columns.lowerBound,
                columns.count
            )
        }
    }
}
