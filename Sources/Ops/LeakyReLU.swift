package import Graphs
package import Tensors

/// x where it is positive, a small part of it elsewhere.
///
/// - Shape: any → same.
/// - Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013, equation 3.
package struct LeakyReLU: Op {
    /// The part of negative numbers that is kept.
    package let slope: Float

    package init(slope: Float = 0.01) { self.slope = slope }

    package var structure: String { "leaky ReLU \(slope)" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
}

extension LeakyReLU {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedLeakyReLU(function: self) : nil
    }

    package var tableRole: TableRole { .function }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        Chunks(call.batch * call.outputCount, of: elementsPerTask).count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunk = Chunks(call.batch * call.outputCount, of: elementsPerTask)[task.index]
        unsafe apply(
            to: call.input(item: 0) + chunk.lowerBound,
            call.output(item: 0) + chunk.lowerBound,
            count: chunk.count
        )
    }

    fileprivate func apply(to x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count {
            let value = unsafe x[index]
            unsafe y[index] = max(value, 0) + slope * min(value, 0)
        }
    }
}

/// The function of a blocked image: 0 stays 0, so the channels beyond the last do.
private struct BlockedLeakyReLU: PackedOp {
    let function: LeakyReLU

    var structure: String { function.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let count = OpCall.blockStride(call.outputShape)
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe function.apply(
                to: call.block(block, ofInput: 0, item: item),
                call.block(block, ofOutputItem: item),
                count: count
            )
        }
    }
}
