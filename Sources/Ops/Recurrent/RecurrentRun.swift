internal import CKernels
package import Graphs
package import Platform
package import Tensors

extension Recurrent: PackedOp {
    package func readsPlanar(_ index: Int) -> Bool { true }

    package var writesPlanar: Bool { true }

    /// Layers under one name differ by their number.
    package var packingSuffix: String { "_l\(layer)" }

    package func packed(_ weights: [Tensor]) throws(SystemError) -> [Tensor] {
        let count = weights.count / directions
        return try (0..<directions).map { (direction) throws(SystemError) in
            try PackedRecurrent(self, weights[direction * count..<(direction + 1) * count]).arrays
        }.flatMap { $0 }
    }

    /// The first phase readies what threads share, the second walks through the steps, a third hands the states out.
    package var phases: Int { givesState ? 3 : 2 }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(
            perItem: directions * sharedPerItem(steps: inputs[0][0]),
            perThread: Int(kernel_recurrent_scratch)
        )
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        switch phase {
        case 0: 1
        case 1: Walks(self, call).taskCount
        default: call.batch
        }
    }

    package func run(_ task: OpTask, of call: OpCall) {
        switch task.phase {
        case 0: beginWalks(of: call)
        case 1:
            let walks = Walks(self, call)
            let walk = task.index / walks.slices
            let items = walks.groups[walk % walks.groups.count]
            let slice = task.index % walks.slices
            self.walk(items, walk / walks.groups.count, slice, of: walks.slices, thread: task.thread, call)
        default: handStatesOut(of: call, item: task.index)
        }
    }
}

/// How the batch is divided among threads: each direction of each group of sequences is a walk of its own, which
/// several threads share by slices of units where there are fewer walks than threads.
private struct Walks {
    let groups: Chunks
    let slices: Int
    let taskCount: Int

    /// Multiply-adds of a step that are worth meeting another thread for.
    private static let leastProducts = 16_384

    init(_ layer: Recurrent, _ call: OpCall) {
        groups = Chunks(evenly: call.batch, ofAtMost: mostSequences)
        let walks = layer.directions * groups.count
        let products = layer.cell.gates * layer.hidden * layer.outputs
        let most = min(mostSlices, Layout.blocks(layer.outputs), products / Self.leastProducts)
        slices = max(1, min(call.threads / walks, most))
        taskCount = walks * slices
    }
}

private let mostSequences = Int(kernel_most_sequences)
private let mostSlices = Int(kernel_most_slices)

extension Recurrent {
    private var kernelCell: kernel_cell {
        switch cell {
        case .rnn: nonlinearity == .relu ? kernel_rnn_relu : kernel_rnn
        case .lstm: kernel_lstm
        case .gru: resetsAfter ? kernel_gru : kernel_gru_early
        }
    }

    private func sharedPerItem(steps: Int) -> Int {
        kernel_recurrent_shared(kernelCell, hidden, outputs, steps, 1)
    }

    /// What the walk of a direction shares that begins with an item.
    private func shared(_ direction: Int, item: Int, of call: OpCall) -> UnsafeMutablePointer<Float> {
        let perItem = sharedPerItem(steps: call.inputShape()[0])
        return unsafe call.scratch + (direction * call.batch + item) * perItem
    }

    private func weight(
        _ array: PackedRecurrent.Place,
        _ direction: Int,
        of call: OpCall
    ) -> UnsafePointer<Float> {
        unsafe call.weight(direction * PackedRecurrent.Place.allCases.count + array.rawValue)
    }

    private func handStatesOut(of call: OpCall, item: Int) {
        for direction in 0..<directions {
            let state = unsafe call.state(item: item) + direction * statePerDirection
            unsafe (call.output(1, item: item) + direction * outputs).update(from: state, count: outputs)
            guard cell == .lstm else { continue }
            let cells = unsafe call.output(2, item: item) + direction * hidden
            unsafe cells.update(from: state + outputs, count: hidden)
        }
    }

    private func beginWalks(of call: OpCall) {
        for direction in 0..<directions {
            for item in 0..<call.batch {
                unsafe kernel_recurrent_begin(shared(direction, item: item, of: call))
            }
        }
    }

    private func walk(
        _ items: Range<Int>,
        _ direction: Int,
        _ slice: Int,
        of slices: Int,
        thread: Int,
        _ call: OpCall
    ) {
        unsafe withUnsafeTemporaryAllocation(of: kernel_sequence.self, capacity: mostSequences) { buffer in
            guard let sequences = buffer.baseAddress else { return } // it is not empty
            for (index, item) in items.enumerated() {
                unsafe (sequences + index).initialize(to: sequence(item, direction, of: call))
            }
            let hasSecond = projection != nil || kernelCell == kernel_gru_early
            var recurrence = unsafe kernel_recurrence(
                cell: kernelCell,
                is_reverse: direction == 1,
                units: hidden,
                outputs: outputs,
                inputs: inputs,
                input_weight: weight(.input, direction, of: call),
                input_bias: weight(.inputBias, direction, of: call),
                weight: weight(.state, direction, of: call),
                second: hasSecond ? weight(.second, direction, of: call) : nil,
                bias: kernelCell == kernel_gru ? weight(.stateBias, direction, of: call) : nil,
                output_stride: outputs * directions,
                sequences: sequences,
                count: items.count,
                slices: slices,
                shared: shared(direction, item: items.lowerBound, of: call)
            )
            unsafe kernel_recurrent(&recurrence, slice, call.scratch(of: thread))
        }
    }

    private func sequence(_ item: Int, _ direction: Int, of call: OpCall) -> kernel_sequence {
        unsafe kernel_sequence(
            steps: readsWholeItems ? call.inputShape()[0] : call.steps(item: item),
            input: call.input(item: item),
            output: call.output(item: item) + direction * outputs,
            state: call.state(item: item) + direction * statePerDirection
        )
    }
}

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
    /// - Throws: `SystemError` when there is no memory for them.
    init(_ layer: Recurrent, _ weights: ArraySlice<Tensor>) throws(SystemError) {
        let weights = Array(weights)
        let rows = Rows(hidden: layer.hidden)
        let all = Array(0..<layer.cell.gates)
        let isEarly = layer.cell == .gru && !layer.resetsAfter
        let second: Tensor? =
            if let projection = layer.projection {
                try Self.packed(weights[layer.hasBias ? 4 : 2], Rows(hidden: projection).ofGates([0]))
            } else {
                isEarly ? try Self.packed(weights[1], rows.ofGates([2])) : nil
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
            try Self.packed(weights[0], rows.ofGates(all)),
            bias { row, isUnderReset in biases[0][row] + (isUnderReset ? 0 : biases[1][row]) },
            try Self.packed(weights[1], rows.ofGates(isEarly ? [0, 1] : all)),
            resets ? bias { row, isUnderReset in isUnderReset ? biases[1][row] : 0 } : nothing,
            second ?? nothing,
        ]
    }

    private static func packed(_ matrix: Tensor, _ rows: [Int]) throws(SystemError) -> Tensor {
        let columns = matrix.shape[1]
        return try unsafe Tensor(count: rows.count * columns) { target in
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
