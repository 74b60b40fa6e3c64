internal import CKernels

extension Recurrent: PackedOp {
    func readsPlanar(_ index: Int) -> Bool { true }

    var writesPlanar: Bool { true }

    /// Layers under one name differ by their number.
    var packingSuffix: String { "_l\(layer)" }

    func packed(_ weights: [Tensor]) -> [Tensor] {
        let count = weights.count / directions
        return (0..<directions).flatMap { direction in
            PackedRecurrent(self, weights[direction * count..<(direction + 1) * count]).arrays
        }
    }

    /// The first phase readies what threads share, the second walks through the steps.
    package var phases: Int { 2 }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(
            perItem: directions * sharedPerItem(steps: inputs[0][0]),
            perThread: Int(kernel_recurrent_scratch)
        )
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        phase == 0 ? 1 : Walks(self, call).taskCount
    }

    package func run(_ task: OpTask, of call: OpCall) {
        if task.phase == 0 {
            beginWalks(of: call)
        } else {
            let walks = Walks(self, call)
            let walk = task.index / walks.slices
            let items = walks.groups[walk % walks.groups.count]
            let slice = task.index % walks.slices
            self.walk(items, walk / walks.groups.count, slice, of: walks.slices, thread: task.thread, call)
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
            steps: call.steps(item: item),
            input: call.input(item: item),
            output: call.output(item: item) + direction * outputs,
            state: call.state(item: item) + direction * statePerDirection
        )
    }
}
