package import Graphs
package import Tensors

/// Cuts a value into parts along an axis, each an output of its own.
///
/// - Shape: one dimension of the item becomes that of each part, the others stay; the parts fill it.
/// - Source: ONNX's `Split`.
package struct Split: Op {
    /// Of an item: 0 is the outermost, such as the channels of an image.
    package let axis: Int
    package let sizes: [Int]

    /// - Precondition: there are parts, none of them empty.
    package init(axis: Int, sizes: [Int]) {
        precondition(axis >= 0 && !sizes.isEmpty && sizes.allSatisfy { $0 > 0 }, "split \(axis): \(sizes)")
        self.axis = axis
        self.sizes = sizes
    }

    package var structure: String { "split \(sizes.map(String.init).joined(separator: " + "))" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        try outputShapes(of: inputs)[0]
    }

    package func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape] {
        let whole = inputs[0].dimensions
        guard axis < whole.count, whole[axis] == sizes.reduce(0, +) else {
            throw ShapeError("split: \(inputs[0]) has not \(sizes.reduce(0, +)) along axis \(axis)")
        }
        return sizes.map { size in Shape(whole[..<axis] + [size] + whole[(axis + 1)...]) }
    }

    /// A part of the steps is a whole of its own.
    package func hasSteps(output: Int) -> Bool { axis > 0 }
}

extension Split {
    /// On blocked images it is where it was, if all channels but the last part's fill their blocks.
    package func form(at site: OpSite) -> (any PackedOp)? {
        let isWhole = axis == 0 && sizes.dropLast().allSatisfy { $0 % 16 == 0 }
        return site.isBlocked && isWhole ? BlockedSplit(split: self) : nil
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * sizes.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, part) = task.index.quotientAndRemainder(dividingBy: sizes.count)
        let shape = call.inputShape().dimensions
        let inner = shape[(axis + 1)...].reduce(1, *)
        let (row, count) = (shape[axis] * inner, sizes[part] * inner)
        let input = unsafe call.input(item: item) + sizes[..<part].reduce(0, +) * inner
        let output = unsafe call.output(part, item: item)
        for index in 0..<shape[..<axis].reduce(1, *) {
            unsafe (output + index * count).update(from: input + index * row, count: count)
        }
    }
}

/// Cuts a blocked image between its channel blocks.
private struct BlockedSplit: PackedOp {
    let split: Split

    var structure: String { split.structure }

    var placement: Placement { .slices }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try split.outputShape(of: inputs) }

    func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape] {
        try split.outputShapes(of: inputs)
    }

    func taskCount(phase: Int, of call: OpCall) -> Int { 0 }

    func run(_ task: OpTask, of call: OpCall) {}
}
