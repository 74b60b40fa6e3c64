internal import CKernels
package import Graphs
package import Tensors

/// An image whose pixels, in cells of some rows and columns, come from the channels of a smaller one: what is behind the
/// convolution that a transposed convolution is.
///
/// The channels of one pixel of the cells fill blocks of 16, so that on blocked images whole pixels are copied.
///
/// - Shape: cell height · cell width · `stride` × h × w → channels × height × width, the last cells cut where they are
///   larger than that; channel (i · cell width + j) · `stride` + c gives pixel (i, j) of channel c's cells.
/// - Source: Shi et al. 2016, equation 4, with the channels in the order of ONNX's `DepthToSpace` in mode DCR.
package struct DepthToSpace: Op {
    package let cell: Extent
    package let channels: Int
    package let height: Int
    package let width: Int

    package init(cell: Extent, channels: Int, height: Int, width: Int) {
        self.cell = cell
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// The channels of a pixel of the cells, those that fill up the last block counted.
    package static func stride(channels: Int) -> Int { Layout.blocks(channels) * 16 }

    package var structure: String { "depth to space \(cell.height)×\(cell.width)" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let image = try requireImage(inputs[0], for: "depth to space")
        let expected = cell.height * cell.width * Self.stride(channels: channels)
        guard image.channels == expected, (height + cell.height - 1) / cell.height <= image.height,
            (width + cell.width - 1) / cell.width <= image.width
        else {
            throw ShapeError(
                "depth to space: expected \(expected) channels for \(height)×\(width), found \(inputs[0])"
            )
        }
        return [channels, height, width]
    }
}

extension DepthToSpace {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedDepthToSpace(op: self) : nil
    }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        .impossible("'\(structure)' was made for one size")
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { planes(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let pixels = Layout.pixels(call.inputShape())
        let cells = cells(call, phaseStride: pixels * Self.stride(channels: channels))
        for plane in planes(of: call)[task.index] {
            let (item, channel) = plane.quotientAndRemainder(dividingBy: channels)
            unsafe kernel_depth_to_space(
                call.input(item: item) + channel * pixels,
                1,
                cells,
                call.output(item: item) + channel * height * width
            )
        }
    }

    private func planes(of call: OpCall) -> Chunks {
        Chunks(call.batch * channels, of: elementsPerTask / max(1, height * width))
    }

    fileprivate func cells(_ call: OpCall, phaseStride: Int) -> kernel_cells {
        kernel_cells(
            cell_height: cell.height,
            cell_width: cell.width,
            width: call.inputShape()[2],
            output_height: height,
            output_width: width,
            phase_stride: phaseStride
        )
    }
}

/// The same of blocked images.
struct BlockedDepthToSpace: PackedOp {
    let op: DepthToSpace

    var structure: String { op.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try op.outputShape(of: inputs) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let stride = OpCall.blockStride(call.inputShape()) * Layout.blocks(op.channels)
        let cells = op.cells(call, phaseStride: stride)
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_depth_to_space(
                call.block(block, ofInput: 0, item: item),
                16,
                cells,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
