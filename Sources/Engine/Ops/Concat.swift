/// Joins images along the channels.
///
/// - Shape: cᵢ × h × w … → Σcᵢ × h × w.
package struct Concat: Op {
    package init() {}

    package var structure: String { "concat" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard !inputs.isEmpty else { throw ShapeError("concat: nothing to join") }
        let (_, height, width) = try requireImage(inputs[0], for: "concat")
        var channels = 0
        for input in inputs {
            let image = try requireImage(input, for: "concat")
            guard image.height == height, image.width == width else {
                throw ShapeError("concat: \(inputs[0]) and \(input) differ in height or width")
            }
            channels += image.channels
        }
        return [channels, height, width]
    }
}

extension Concat {
    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        var target = unsafe call.output(item: task.index)
        for index in 0..<call.inputs {
            let count = call.inputCount(index)
            unsafe target.update(from: call.input(index, item: task.index), count: count)
            unsafe target += count
        }
    }
}
