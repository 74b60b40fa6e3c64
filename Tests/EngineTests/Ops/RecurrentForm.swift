import Engine
import Testing

/// A recurrent cell in one of the forms that a network can have.
enum RecurrentForm: String, CaseIterable, CustomTestStringConvertible {
    case rnn = "RNN"
    case rnnReLU = "RNN with ReLU"
    case lstm = "LSTM"
    case lstmProjected = "LSTM with a projection"
    case gru = "GRU"
    case gruEarly = "GRU with an early reset"

    static let all = allCases

    var testDescription: String { rawValue }

    var isProjected: Bool { self == .lstmProjected }

    private var cell: Recurrent.Cell {
        switch self {
        case .rnn, .rnnReLU: .rnn
        case .lstm, .lstmProjected: .lstm
        case .gru, .gruEarly: .gru
        }
    }

    /// A layer of this form; a projection halves the hidden state, and a bit more.
    func layer(
        inputs: Int,
        hidden: Int,
        layer: Int = 0,
        isBidirectional: Bool = false,
        hasBias: Bool = true
    ) -> Recurrent {
        Recurrent(
            cell,
            inputs: inputs,
            hidden: hidden,
            projection: isProjected ? max(1, hidden / 2 - 1) : nil,
            layer: layer,
            isBidirectional: isBidirectional,
            hasBias: hasBias,
            resetsAfter: self != .gruEarly,
            nonlinearity: self == .rnnReLU ? .relu : .tanh
        )
    }
}
