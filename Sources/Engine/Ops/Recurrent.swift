internal import CKernels

/// One layer of a recurrent network, in one or both directions.
///
/// The formulas are PyTorch's (σ is the logistic function, ⊙ the elementwise product):
/// - `rnn`:  h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh)
/// - `lstm`: rows of W in the order i f g o;  c' = σ(f)⊙c + σ(i)⊙tanh(g),  h' = σ(o)⊙tanh(c')
/// - `gru`:  rows of W in the order r z n;  n = tanh(W_in·x + b_in + r⊙(W_hn·h + b_hn)),  h' = (1−z)⊙n + z⊙h.
///   With `resetsAfter` false the reset gate is applied before the product: n = tanh(W_in·x + b_in + W_hn·(r⊙h) + b_hn).
///
/// - Shape: steps × inputs → steps × (hidden · directions), forward half first.
/// - Source: Elman 1990; Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; Cho et al. 2014.
package struct Recurrent: Op {
    package enum Cell: String, Sendable, CaseIterable {
        case rnn, lstm, gru

        /// Rows of the weight matrices for each hidden unit.
        package var gates: Int {
            switch self {
            case .rnn: 1
            case .lstm: 4
            case .gru: 3
            }
        }
    }

    package let cell: Cell
    package let inputs: Int
    package let hidden: Int
    /// The number of the layer, part of its tensor names: `weight_ih_l0`.
    package let layer: Int
    package let isBidirectional: Bool
    package let hasBias: Bool
    /// Whether a GRU applies its reset gate after the recurrent product (PyTorch, cuDNN) or before (Cho et al.).
    package let resetsAfter: Bool

    package init(
        _ cell: Cell,
        inputs: Int,
        hidden: Int,
        layer: Int = 0,
        isBidirectional: Bool = false,
        hasBias: Bool = true,
        resetsAfter: Bool = true
    ) {
        self.cell = cell
        self.inputs = inputs
        self.hidden = hidden
        self.layer = layer
        self.isBidirectional = isBidirectional
        self.hasBias = hasBias
        self.resetsAfter = resetsAfter
    }

    package var directions: Int { isBidirectional ? 2 : 1 }

    package var structure: String {
        "\(cell.rawValue.uppercased()) \(inputs) → \(hidden)" + (isBidirectional ? ", both directions" : "")
    }

    package var parameters: [Parameter] {
        ["", "_reverse"].prefix(directions).flatMap { direction in
            let rows = cell.gates * hidden
            let weights = [
                Parameter("weight_ih_l\(layer)\(direction)", [rows, inputs]),
                Parameter("weight_hh_l\(layer)\(direction)", [rows, hidden]),
            ]
            let biases = ["bias_ih", "bias_hh"].map { Parameter("\($0)_l\(layer)\(direction)", [rows]) }
            return hasBias ? weights + biases : weights
        }
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].rank == 2, inputs[0][1] == self.inputs else {
            throw ShapeError("\(cell.rawValue): expected steps×\(self.inputs), found \(inputs[0])")
        }
        return [inputs[0][0], hidden * directions]
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        inputs[0][0] * directions * cell.gates * hidden * (self.inputs + hidden)
    }
}

extension Recurrent {
    package var stepRule: StepRule { .follows }

    /// The hidden state of each direction, and behind it an LSTM's cell state.
    package var stateCount: Int { directions * statePerDirection }

    /// The first phase multiplies the inputs of all steps, the second walks through the steps.
    package var phases: Int { 2 }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(
            perItem: directions * inputs[0][0] * width,
            perThread: Self.sequencesPerTask * kernel_recurrent_scratch(kernelCell, hidden)
        )
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        directions * (phase == 0 ? product(of: call).taskCount : sequences(of: call).count)
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let tasks = taskCount(phase: task.phase, of: call) / directions
        let direction = task.index / tasks
        if task.phase == 0 {
            multiplyInputs(task.index % tasks, direction, of: call)
        } else {
            walk(sequences(of: call)[task.index % tasks], direction, thread: task.thread, of: call)
        }
    }

    /// Sequences that one task walks through side by side, so that they share each pass over the weights.
    private static let sequencesPerTask = Int(kernel_most_sequences)

    /// Rows of the weight matrices.
    private var width: Int { cell.gates * hidden }

    private var kernelCell: kernel_cell {
        switch cell {
        case .rnn: kernel_rnn
        case .lstm: kernel_lstm
        case .gru: resetsAfter ? kernel_gru : kernel_gru_early
        }
    }

    private func product(of call: OpCall) -> LinearProduct {
        LinearProduct(rows: call.batch * call.inputShape()[0], inputs: inputs, outputs: width)
    }

    private func sequences(of call: OpCall) -> Chunks { Chunks(call.batch, of: Self.sequencesPerTask) }

    private var statePerDirection: Int { cell == .lstm ? 2 * hidden : hidden }

    /// The input products of a direction: batch × steps × width.
    private func products(_ direction: Int, of call: OpCall) -> UnsafeMutablePointer<Float> {
        unsafe call.scratch + direction * call.batch * call.inputShape()[0] * width
    }

    /// A trained array of a direction: 0 and 1 are the matrices, 2 and 3 the biases.
    private func array(_ index: Int, _ direction: Int, of call: OpCall) -> UnsafePointer<Float> {
        unsafe call.weight(direction * (hasBias ? 4 : 2) + index)
    }

    private func multiplyInputs(_ task: Int, _ direction: Int, of call: OpCall) {
        let product = product(of: call)
        call.forEachStretch(of: product.rows(of: task), rowsPerItem: call.inputShape()[0]) { stretch in
            unsafe product.run(
                task,
                rows: stretch,
                x: call.input(item: 0),
                weight: array(0, direction, of: call),
                bias: hasBias ? array(2, direction, of: call) : nil,
                y: products(direction, of: call)
            )
        }
    }

    private func walk(_ items: Range<Int>, _ direction: Int, thread: Int, of call: OpCall) {
        unsafe withUnsafeTemporaryAllocation(of: kernel_sequence.self, capacity: Self.sequencesPerTask) {
            buffer in
            guard let sequences = buffer.baseAddress else { return } // it is not empty
            for (index, item) in items.enumerated() {
                unsafe (sequences + index).initialize(to: sequence(item, direction, of: call))
            }
            var recurrence = unsafe kernel_recurrence(
                cell: kernelCell,
                hidden: hidden,
                is_reverse: direction == 1,
                weight: array(1, direction, of: call),
                bias: hasBias ? array(3, direction, of: call) : nil,
                output_stride: hidden * directions,
                sequences: sequences,
                count: items.count,
                scratch: call.scratch(of: thread)
            )
            unsafe kernel_recurrent(&recurrence)
        }
    }

    private func sequence(_ item: Int, _ direction: Int, of call: OpCall) -> kernel_sequence {
        unsafe kernel_sequence(
            steps: call.steps(item: item),
            products: products(direction, of: call) + item * call.inputShape()[0] * width,
            output: call.output(item: item) + direction * hidden,
            state: call.state(item: item) + direction * statePerDirection
        )
    }
}
