internal import CKernels
package import Graphs
package import Tensors

/// A recurrent layer with all that ONNX lets it have: first states and lengths that are values, peepholes, bounds, a
/// function for each gate, any layout.
///
/// - Shape: steps × sequences × inputs → steps × directions × sequences × hidden, and the last states, directions ×
///   sequences × hidden; of sequences × steps × inputs the sequences come first everywhere.
/// - Source: ONNX's `RNN`, `LSTM` and `GRU`.
package struct PlainRecurrent: GeneralOp {
    /// Sizes and rules.
    package struct Layer: Sendable {
        package let cell: Recurrent.Cell
        package let steps: Int
        package let sequences: Int
        package let inputs: Int
        package let hidden: Int
        /// For each direction whether it reads backwards.
        package let directions: [Bool]
        package let batchFirst: Bool
        package let linearBeforeReset: Bool
        package let couplesInputForget: Bool
        /// For each direction, for each gate.
        package let functions: [[(function: Function, alpha: Float, beta: Float)]]
        package let clip: Float

        package init(
            _ cell: Recurrent.Cell,
            steps: Int,
            sequences: Int,
            inputs: Int,
            hidden: Int,
            directions: [Bool],
            batchFirst: Bool,
            linearBeforeReset: Bool,
            couplesInputForget: Bool,
            functions: [[(function: Function, alpha: Float, beta: Float)]],
            clip: Float
        ) {
            precondition(functions.count == directions.count, "\(functions.count) directions of functions")
            self.cell = cell
            self.steps = steps
            self.sequences = sequences
            self.inputs = inputs
            self.hidden = hidden
            self.directions = directions
            self.batchFirst = batchFirst
            self.linearBeforeReset = linearBeforeReset
            self.couplesInputForget = couplesInputForget
            self.functions = functions
            self.clip = clip
        }
    }

    /// Where the operands are that a layer may have beside its input and two matrices.
    package struct Roles: Sendable {
        package var bias: Int?
        package var lengths: Int?
        package var hidden: Int?
        package var cells: Int?
        package var peepholes: Int?

        package init() {}
    }

    package let operands: Operands
    private let layer: Layer
    private let roles: Roles
    private let shapes: [Shape]

    /// - Parameters:
    ///   - operands: the input, W, R, and what `roles` says.
    ///   - layer: its sizes.
    ///   - roles: where the other operands are.
    ///   - shapes: of the outputs: all steps, the last hidden state, and the last cell state.
    package init(_ operands: Operands, _ layer: Layer, _ roles: Roles, shapes: [Shape]) {
        self.operands = operands
        self.layer = layer
        self.roles = roles
        self.shapes = shapes
    }

    package var results: [Shape] { shapes }

    package var structure: String {
        "\(layer.cell.rawValue.uppercased()) \(layer.inputs) → \(layer.hidden)"
            + (layer.directions.count > 1 ? ", both directions" : "")
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        layer.steps * layer.sequences * layer.directions.count * layer.cell.gates * layer.hidden
            * (layer.inputs + layer.hidden)
    }

    private var scratchCount: Int { (2 * layer.cell.gates + 3) * layer.hidden }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch { Scratch(perThread: scratchCount) }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        call.batch * layer.sequences * layer.directions.count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let directions = layer.directions.count
        let (item, rest) = task.index.quotientAndRemainder(dividingBy: layer.sequences * directions)
        let (sequence, direction) = rest.quotientAndRemainder(dividingBy: directions)
        let (hidden, rows) = (layer.hidden, layer.cell.gates * layer.hidden)
        func array(_ role: Int?, _ perDirection: Int) -> UnsafePointer<Float>? {
            unsafe role.map { unsafe operands.operand($0, item: item, of: call) + direction * perDirection }
        }
        let stateOffset =
            layer.batchFirst
            ? (sequence * directions + direction) * hidden : (direction * layer.sequences + sequence) * hidden
        let h = unsafe call.output(1, item: item) + stateOffset
        let scratch = unsafe call.scratch(of: task.thread)
        let spare = unsafe scratch + (2 * layer.cell.gates + 2) * hidden
        let c = layer.cell == .lstm ? unsafe call.output(2, item: item) + stateOffset : unsafe spare
        unsafe begin(h, roles.hidden, stateOffset, item, call)
        if layer.cell == .lstm { unsafe begin(c, roles.cells, stateOffset, item, call) }
        let lengths = roles.lengths.map { unsafe operands.operand($0, item: item, of: call)[sequence] }
        let valid = lengths.map { $0 >= 0 ? min(Int(min($0, 1e9)), layer.steps) : 0 } ?? layer.steps
        let x = unsafe operands.operand(0, item: item, of: call)
        let xStart = layer.batchFirst ? sequence * layer.steps * layer.inputs : sequence * layer.inputs
        let yStart =
            layer.batchFirst
            ? (sequence * layer.steps * directions + direction) * hidden
            : (direction * layer.sequences + sequence) * hidden
        var kernel = kernel(direction)
        unsafe kernel_recurrent_plain(
            &kernel,
            valid,
            x + xStart,
            layer.batchFirst ? layer.inputs : layer.sequences * layer.inputs,
            operands.operand(1, item: item, of: call) + direction * rows * layer.inputs,
            operands.operand(2, item: item, of: call) + direction * rows * hidden,
            array(roles.bias, 2 * rows),
            array(roles.peepholes, 3 * hidden),
            h,
            c,
            call.output(0, item: item) + yStart,
            layer.batchFirst ? directions * hidden : directions * layer.sequences * hidden,
            scratch
        )
    }

    /// Sets a state to its operand, or to zeros.
    private func begin(
        _ state: UnsafeMutablePointer<Float>,
        _ role: Int?,
        _ offset: Int,
        _ item: Int,
        _ call: OpCall
    ) {
        if let role {
            let first = unsafe operands.operand(role, item: item, of: call)
            unsafe state.update(from: first + offset, count: layer.hidden)
        } else {
            unsafe state.update(repeating: 0, count: layer.hidden)
        }
    }

    private func kernel(_ direction: Int) -> kernel_plain_recurrence {
        let gates = layer.functions[direction]
        func three<Value>(_ value: ((function: Function, alpha: Float, beta: Float)) -> Value) -> (
            Value, Value, Value
        ) {
            (value(gates[0]), value(gates[min(1, gates.count - 1)]), value(gates[gates.count - 1]))
        }
        return kernel_plain_recurrence(
            cell: layer.cell == .rnn ? 0 : layer.cell == .lstm ? 1 : 2,
            steps: layer.steps,
            inputs: layer.inputs,
            hidden: layer.hidden,
            is_reverse: layer.directions[direction],
            linear_before_reset: layer.linearBeforeReset,
            couples_input_forget: layer.couplesInputForget,
            functions: three(\.function.kernel),
            alphas: three(\.alpha),
            betas: three(\.beta),
            clip: layer.clip
        )
    }
}
