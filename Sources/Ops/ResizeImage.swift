internal import CKernels
package import Graphs
package import Tensors

/// An image of another size, whose rows and then columns are weighted sums of some: nearest neighbours, linear or cubic
/// interpolation.
///
/// - Shape: c × h × w → c × rows × columns.
/// - Source: ONNX's `Resize`.
package struct ResizeImage: Op {
    /// What becomes of the rows, or of the columns.
    package struct Axis: Hashable, Sendable {
        /// How many there are.
        package let extent: Int
        /// How many come out.
        package let count: Int
        fileprivate let width: Int
        fileprivate let places: [Int32]
        fileprivate let weights: [Float]

        /// - Parameters:
        ///   - extent: how many there are.
        ///   - taps: for each that comes out what it is made of.
        /// - Precondition: there are taps, all within the extent.
        package init(extent: Int, taps: [[(place: Int, weight: Double)]]) {
            let width = taps.map(\.count).max() ?? 0
            precondition(width > 0, "\(taps.count) results of nothing")
            precondition(taps.joined().allSatisfy { 0..<extent ~= $0.place }, "taps outside \(extent)")
            let flat = taps.flatMap { row in
                row + [(place: Int, weight: Double)](repeating: (0, 0), count: width - row.count)
            }
            self.extent = extent
            self.width = width
            count = taps.count
            places = flat.map { Int32($0.place) }
            weights = flat.map { Float($0.weight) }
        }

        /// Calls `body` with the form that the kernel takes.
        fileprivate func withKernel(_ body: (kernel_taps) -> Void) {
            unsafe places.withUnsafeBufferPointer { places in
                unsafe weights.withUnsafeBufferPointer { weights in
                    guard let place = places.baseAddress, let weight = weights.baseAddress else { return }
                    unsafe body(kernel_taps(places: place, weights: weight, width: width, count: count))
                }
            }
        }
    }

    package let rows: Axis
    package let columns: Axis

    package init(rows: Axis, columns: Axis) {
        self.rows = rows
        self.columns = columns
    }

    package var structure: String { "resize to \(rows.count)×\(columns.count)" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (channels, height, width) = try requireImage(inputs[0], for: "resize")
        guard height == rows.extent, width == columns.extent else {
            throw ShapeError("resize: expected \(rows.extent)×\(columns.extent), found \(inputs[0])")
        }
        return [channels, rows.count, columns.count]
    }
}

extension ResizeImage {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedResize(resize: self) : nil
    }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        .impossible("'\(structure)' was made for one size")
    }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch { Scratch(perThread: columns.extent) }

    package func taskCount(phase: Int, of call: OpCall) -> Int { planes(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let pixels = (Layout.pixels(call.inputShape()), Layout.pixels(call.outputShape))
        for plane in planes(of: call)[task.index] {
            let (item, channel) = plane.quotientAndRemainder(dividingBy: call.outputShape[0])
            unsafe run(
                call.input(item: item) + channel * pixels.0,
                lanes: 1,
                call.output(item: item) + channel * pixels.1,
                scratch: call.scratch(of: task.thread)
            )
        }
    }

    private func planes(of call: OpCall) -> Chunks {
        let pixels = max(Layout.pixels(call.inputShape()), Layout.pixels(call.outputShape))
        return Chunks(call.batch * call.outputShape[0], of: elementsPerTask / max(1, pixels))
    }

    fileprivate func run(
        _ x: UnsafePointer<Float>,
        lanes: Int,
        _ y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        unsafe rows.withKernel { rows in
            unsafe columns.withKernel { columns in
                unsafe kernel_resize(x, self.columns.extent, lanes, rows, columns, scratch, y)
            }
        }
    }
}

/// A blocked image at another size.
struct BlockedResize: PackedOp {
    let resize: ResizeImage

    var structure: String { resize.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try resize.outputShape(of: inputs) }

    func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(perThread: 16 * resize.columns.extent)
    }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe resize.run(
                call.block(block, ofInput: 0, item: item),
                lanes: 16,
                call.block(block, ofOutputItem: item),
                scratch: call.scratch(of: task.thread)
            )
        }
    }
}
