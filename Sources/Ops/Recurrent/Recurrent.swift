package import Graphs
package import Tensors

/// One layer of a recurrent network, in one or both directions.
///
/// The formulas are PyTorch's (σ is the logistic function, ⊙ the elementwise product):
/// - `rnn`:  h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh), or with max(·, 0) for tanh
/// - `lstm`: rows of W in the order i f g o;  c' = σ(f)⊙c + σ(i)⊙tanh(g),  h' = σ(o)⊙tanh(c'), with a projection
///   h' = W_hr·(σ(o)⊙tanh(c'))
/// - `gru`:  rows of W in the order r z n;  n = tanh(W_in·x + b_in + r⊙(W_hn·h + b_hn)),  h' = (1−z)⊙n + z⊙h.
///   With `resetsAfter` false the reset gate is applied before the product: n = tanh(W_in·x + b_in + W_hn·(r⊙h) + b_hn).
///
/// - Shape: steps × inputs → steps × (outputs · directions), forward half first; with `givesState` also the hidden state
///   behind the last step, directions × outputs, and an LSTM's cell state, directions × hidden (ONNX's Y, Y_h, Y_c).
/// - Source: Elman 1990; Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000 and the projection of Sak
///   et al. 2014, §2.1; Cho et al. 2014.
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

    /// What an `rnn` applies to its sums.
    package enum Nonlinearity: String, Sendable, CaseIterable {
        case tanh, relu
    }

    package let cell: Cell
    package let inputs: Int
    package let hidden: Int
    /// The size to which an LSTM projects its output, which is its hidden state then.
    package let projection: Int?
    /// The number of the layer, part of its tensor names: `weight_ih_l0`.
    package let layer: Int
    package let isBidirectional: Bool
    package let hasBias: Bool
    /// Whether a GRU applies its reset gate after the recurrent product (PyTorch, cuDNN) or before (Cho et al.).
    package let resetsAfter: Bool
    package let nonlinearity: Nonlinearity
    /// Whether the states in which each direction ends are outputs too.
    package let givesState: Bool
    /// Whether an item has all of the steps that its shape says: one sequence inside a network that takes no sequences.
    package let readsWholeItems: Bool

    /// - Precondition: only an LSTM has a projection.
    package init(
        _ cell: Cell,
        inputs: Int,
        hidden: Int,
        projection: Int? = nil,
        layer: Int = 0,
        isBidirectional: Bool = false,
        hasBias: Bool = true,
        resetsAfter: Bool = true,
        nonlinearity: Nonlinearity = .tanh,
        givesState: Bool = false,
        readsWholeItems: Bool = false
    ) {
        precondition(projection == nil || cell == .lstm, "a projection of \(cell)")
        self.cell = cell
        self.inputs = inputs
        self.hidden = hidden
        self.projection = projection
        self.layer = layer
        self.isBidirectional = isBidirectional
        self.hasBias = hasBias
        self.resetsAfter = resetsAfter
        self.nonlinearity = nonlinearity
        self.givesState = givesState
        self.readsWholeItems = readsWholeItems
    }

    package var directions: Int { isBidirectional ? 2 : 1 }

    /// The numbers of the hidden state of one direction.
    package var outputs: Int { projection ?? hidden }

    package var structure: String {
        "\(cell.rawValue.uppercased()) \(inputs) → \(hidden)"
            + (projection.map { " → \($0)" } ?? "")
            + (nonlinearity == .relu ? ", ReLU" : "")
            + (isBidirectional ? ", both directions" : "")
    }

    package var parameters: [Parameter] {
        ["", "_reverse"].prefix(directions).flatMap { direction in
            let rows = cell.gates * hidden
            let suffix = "l\(layer)\(direction)"
            var parameters = [
                Parameter("weight_ih_\(suffix)", [rows, inputs]),
                Parameter("weight_hh_\(suffix)", [rows, outputs]),
            ]
            if hasBias { parameters += ["bias_ih", "bias_hh"].map { Parameter("\($0)_\(suffix)", [rows]) } }
            if let projection { parameters.append(Parameter("weight_hr_\(suffix)", [projection, hidden])) }
            return parameters
        }
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0].rank == 2, inputs[0][1] == self.inputs else {
            throw ShapeError("\(cell.rawValue): expected steps×\(self.inputs), found \(inputs[0])")
        }
        return [inputs[0][0], outputs * directions]
    }

    package func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape] {
        let sequence = try outputShape(of: inputs)
        guard givesState else { return [sequence] }
        return [sequence, [directions, outputs]] + (cell == .lstm ? [[directions, hidden]] : [])
    }

    /// The states are those behind the last step.
    package func hasSteps(output: Int) -> Bool { output == 0 }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        let products = cell.gates * hidden * (self.inputs + outputs) + (projection ?? 0) * hidden
        return inputs[0][0] * directions * products
    }

    package var stepRule: StepRule {
        if readsWholeItems { return .ignores }
        return isBidirectional ? .surrounds : .carries
    }

    /// The hidden state of each direction, and behind it an LSTM's cell state.
    package var stateCount: Int { directions * statePerDirection }

    var statePerDirection: Int { outputs + (cell == .lstm ? hidden : 0) }
}
