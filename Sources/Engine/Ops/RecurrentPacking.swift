internal import CKernels

/// The weights of one direction of a recurrent layer, in the order in which its kernels read them.
struct PackedRecurrent {
    /// Where an array is among those of its direction.
    enum Place: Int, CaseIterable {
        /// W_ih, and every bias that is not under a reset gate: blocks of all gates.
        case input, inputBias
        /// W_hh; of a GRU that resets early the rows r and z.
        case state
        /// A GRU's b_hn; empty for others.
        case stateBias
        /// W_hr, or W_hn of a GRU that resets early; empty for others.
        case second
    }

    /// In the order of their places.
    let arrays: [Tensor]

    /// - Parameters:
    ///   - layer: the layer.
    ///   - weights: those of one direction, as `Recurrent.parameters` lists them.
    init(_ layer: Recurrent, _ weights: ArraySlice<Tensor>) {
        let weights = Array(weights)
        let rows = Rows(hidden: layer.hidden)
        let all = Array(0..<layer.cell.gates)
        let isEarly = layer.cell == .gru && !layer.resetsAfter
        let second: Tensor? =
            if let projection = layer.projection {
                Self.packed(weights[layer.hasBias ? 4 : 2], Rows(hidden: projection).ofGates([0]))
            } else {
                isEarly ? Self.packed(weights[1], rows.ofGates([2])) : nil
            }
        let resets = layer.cell == .gru && layer.resetsAfter
        let biases = layer.hasBias ? [weights[2].values, weights[3].values] : []
        func bias(_ value: (_ row: Int, _ isUnderReset: Bool) -> Float) -> Tensor {
            let values = rows.ofGates(all).map { row in
                row == Rows.none || biases.isEmpty ? 0 : value(row, resets && row >= 2 * layer.hidden)
            }
            return Tensor(shape: [values.count], values: values)
        }
        let nothing = Tensor(shape: [0], values: [])
        arrays = [
            Self.packed(weights[0], rows.ofGates(all)),
            bias { row, isUnderReset in biases[0][row] + (isUnderReset ? 0 : biases[1][row]) },
            Self.packed(weights[1], rows.ofGates(isEarly ? [0, 1] : all)),
            resets ? bias { row, isUnderReset in isUnderReset ? biases[1][row] : 0 } : nothing,
            second ?? nothing,
        ]
    }

    private static func packed(_ matrix: Tensor, _ rows: [Int]) -> Tensor {
        let columns = matrix.shape[1]
        return unsafe Tensor(count: rows.count * columns) { target in
            unsafe kernel_pack_rows(matrix.address, columns, rows, rows.count / 16, target)
        }
    }

    /// The order of the rows: blocks of 16 units, in each block gate by gate.
    private struct Rows {
        let hidden: Int

        /// A row of zeros, for a unit beyond the last: C's SIZE_MAX.
        static let none = -1

        func ofGates(_ gates: [Int]) -> [Int] {
            (0..<(hidden + 15) / 16).flatMap { block in
                gates.flatMap { gate in
                    (block * 16..<block * 16 + 16).map { $0 < hidden ? gate * hidden + $0 : Self.none }
                }
            }
        }
    }
}
