internal import CKernels
internal import Graphs
internal import Tensors

extension BlockedConv {
    func scratch(inputs: [Shape], output: Shape) -> Scratch {
        if let winograd = winograd(input: inputs[0], output: output) {
            return Scratch(perThread: winograd.scratch)
        }
        let split = BlockedConvSplit(self, input: inputs[0], output: output, items: 1, threads: 1)
        return Scratch(perThread: split.scratch(of: split.rows.size))
    }

    func taskCount(phase: Int, of call: OpCall) -> Int {
        if let winograd = winograd(input: call.inputShape(), output: call.outputShape) {
            return winograd.taskCount(items: call.batch, threads: call.threads)
        }
        return split(of: call).count
    }

    func run(_ task: OpTask, of call: OpCall) {
        if let winograd = winograd(input: call.inputShape(), output: call.outputShape) {
            unsafe winograd.run(
                task,
                winogradCall(call),
                items: call.batch,
                threads: call.threads,
                scratch: call.scratch(of: task.thread)
            )
            return
        }
        let (item, part) = split(of: call).part(task.index)
        let hasInputLines = inputLines != nil
        var form = unsafe kernel_conv(
            geometry: geometry(input: call.inputShape(), output: call.outputShape),
            input: call.input(item: item),
            output: call.output(item: item),
            output_stride: OpCall.blockStride(call.outputShape),
            residual: addsResidual ? call.input(1, item: item) : nil,
            residual_stride: OpCall.blockStride(call.outputShape),
            weight: call.weight(0),
            bias: call.weight(1),
            scale: hasInputLines ? call.weight(2) : nil,
            shift: hasInputLines ? call.weight(3) : nil,
            activation: kernel_activation(clamp),
            function: function?.kernel
        )
        unsafe kernel_conv_run(&form, part, call.scratch(of: task.thread))
    }

    /// The sizes of the convolution over an image.
    func geometry(input: Shape, output: Shape) -> kernel_conv_geometry {
        let (groups, laneChannels) =
            switch grouping {
            case .inLanes(1): (1, 0)
            case .inLanes(let channels): (Layout.blocks(conv.inputChannels), channels)
            case .merged(let merged): (conv.groups / merged, 0)
            }
        return kernel_conv_geometry(
            image: kernel_image(input, output: output),
            window: conv.window.kernelWindow,
            groups: groups,
            input_blocks: isDepthwise || laneChannels > 0 ? 1 : Layout.blocks(conv.inputChannels / groups),
            output_blocks: laneChannels > 0 ? 1 : Layout.blocks(conv.outputChannels / groups),
            last_lanes: laneChannels > 0 ? 16 : (conv.inputChannels / groups - 1) % 16 / 4 * 4 + 4,
            lane_channels: laneChannels,
            input_stride: isFirst ? Layout.pixels(input) : OpCall.blockStride(input),
            is_planar: isFirst,
            has_scale: inputLines != nil,
            is_depthwise: isDepthwise
        )
    }

    private func winograd(input: Shape, output: Shape) -> WinogradConv? {
        algorithm.kernel.map { WinogradConv($0, conv, input: input, output: output) }
    }

    private func winogradCall(_ call: OpCall) -> kernel_winograd_call {
        let stride = OpCall.blockStride(call.outputShape)
        return unsafe kernel_winograd_call(
            input: kernel_winograd_tensor(
                data: UnsafeMutablePointer(mutating: call.input(item: 0)),
                block: OpCall.blockStride(call.inputShape()),
                item: call.inputStride()
            ),
            output: kernel_winograd_tensor(
                data: call.output(item: 0),
                block: stride,
                item: call.outputStride
            ),
            residual: kernel_winograd_tensor(
                data: addsResidual ? UnsafeMutablePointer(mutating: call.input(1, item: 0)) : nil,
                block: stride,
                item: addsResidual ? call.inputStride(1) : 0
            ),
            weights: call.weight(0),
            bias: call.weight(1),
            lower: clamp == nil ? -.infinity : 0,
            upper: clamp == .relu6 ? 6 : .infinity,
            function: function?.kernel
        )
    }

    private func split(of call: OpCall) -> BlockedConvSplit {
        BlockedConvSplit(
            self,
            input: call.inputShape(),
            output: call.outputShape,
            items: call.batch,
            threads: call.threads
        )
    }
}

/// How a convolution is cut into tasks: by rows (pixels when it is pointwise), and by panels of output channels.
///
/// Every number is one sum in one order whatever the cut, so the cut may follow the threads: alone, a thread takes as
/// many rows as its cache holds; together, they take smaller parts so that none waits long for another.
struct BlockedConvSplit {
    /// Floats of input that stay in a core's cache next to the weights that pass by.
    private static let cacheFloats = 96 * 1024
    /// Tasks for each thread, so that the last to finish is not late by much.
    private static let tasksPerThread = 12
    /// Multiplications that make a task worth its start.
    private static let taskWork = 1 << 20

    let rows: Chunks
    private let panels: Chunks
    private let items: Int
    private let geometry: kernel_conv_geometry

    init(_ op: BlockedConv, input: Shape, output: Shape, items: Int, threads: Int) {
        var geometry = op.geometry(input: input, output: output)
        let isPointwise = unsafe kernel_is_pointwise(&geometry)
        let panelCount = unsafe kernel_conv_panels(&geometry)
        let total = isPointwise ? output[1] * output[2] : output[1]
        let quantum = isPointwise ? 14 : 1
        let window = op.conv.window
        let floatsPerPixel = geometry.input_blocks * 16
        let floatsPerRow = isPointwise ? floatsPerPixel : floatsPerPixel * input[2] * window.strides.height
        let halo = isPointwise ? 0 : window.kernel.height / window.strides.height
        var size = max(quantum, Self.cacheFloats / floatsPerRow - halo)
        // A tile of few pixels takes as long as a whole one: its weights must come.
        let work = output[0] * max(output[1] * output[2], 14) * max(1, op.conv.depth)
        // A depthwise convolution waits for memory and does less a second.
        let tasks = items * work / (op.isDepthwise ? Self.taskWork / 4 : Self.taskWork)
        // As many for every thread.
        let even = (tasks + threads - 1) / threads * threads
        let wanted = threads == 1 ? 1 : max(1, min(Self.tasksPerThread * threads, even))
        let perItem = (wanted + items - 1) / items
        if perItem > 1 {
            // Rows of a task share the weights that it reads, so a task keeps a few tiles of them.
            let least = isPointwise ? 56 : max(1, 56 / max(1, output[2]))
            size = min(size, max(least, (total + perItem - 1) / perItem))
        }
        rows = Chunks(total, of: (size + quantum - 1) / quantum * quantum)
        let columns = max(1, min(panelCount, (perItem + rows.count - 1) / rows.count))
        panels = Chunks(panelCount, of: (panelCount + columns - 1) / columns)
        self.items = items
        self.geometry = geometry
    }

    var count: Int { items * rows.count * panels.count }

    /// The part of a task; neighbouring tasks share their weights.
    func part(_ task: Int) -> (item: Int, part: kernel_part) {
        let rows = rows[task % rows.count]
        let item = task / self.rows.count % items
        let panels = panels[task / (self.rows.count * items)]
        return (
            item,
            kernel_part(
                first: rows.lowerBound,
                count: rows.count,
                first_panel: panels.lowerBound,
                panels: panels.count
            )
        )
    }

    /// The scratch that a task with so many rows needs.
    func scratch(of rows: Int) -> Int {
        var geometry = geometry
        return unsafe kernel_conv_scratch(&geometry, rows)
    }
}
