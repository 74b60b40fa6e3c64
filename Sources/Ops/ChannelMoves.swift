internal import Graphs
internal import Tensors

/// A blocked image whose channels are some of those of other blocked images, in any order: what a choice of channels and a
/// join are where blocks are not filled.
///
/// - Shape: the inputs' height and width; as many channels as there are sources.
struct ChannelMoves: PackedOp {
    /// Where a channel comes from.
    struct Source: Hashable {
        let input: Int
        let channel: Int
    }

    /// Neighbouring channels of one block that stay neighbours.
    private struct Run {
        let input: Int
        let block: Int
        let lane: Int
        let target: Int
        var count: Int
    }

    let structure: String
    private let channels: Int
    private var runs: [Run] = []
    /// The first run of each block that comes out, and behind the last.
    private var starts: [Int] = []

    init(_ sources: [Source], structure: String) {
        self.structure = structure
        channels = sources.count
        for (target, source) in sources.enumerated() {
            if target % 16 == 0 { starts.append(runs.count) }
            let run = Run(
                input: source.input,
                block: source.channel / 16,
                lane: source.channel % 16,
                target: target % 16,
                count: 1
            )
            guard let last = runs.last, target % 16 > 0, last.input == run.input, last.block == run.block,
                last.lane + last.count == run.lane
            else {
                runs.append(run)
                continue
            }
            runs[runs.count - 1].count += 1
        }
        starts.append(runs.count)
    }

    /// Whether hardly any neighbours stay together, so that lanes are copied one by one: a planar image is quicker then.
    var isScattered: Bool { runs.count * 4 > channels }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        Shape([channels] + inputs[0].dimensions.dropFirst())
    }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let pixels = Layout.pixels(call.outputShape)
        for (item, block) in BlockTasks(call)[task.index] {
            let output = unsafe call.block(block, ofOutputItem: item)
            for index in starts[block]..<starts[block + 1] {
                let run = runs[index]
                let input = unsafe call.block(run.block, ofInput: run.input, item: item)
                unsafe Self.copy(input + run.lane, output + run.target, lanes: run.count, pixels: pixels)
            }
            let used = channels - block * 16
            guard used < 16 else { continue }
            for pixel in 0..<pixels {
                unsafe (output + pixel * 16 + used).update(repeating: 0, count: 16 - used)
            }
        }
    }

    /// Lanes of one block to lanes of another.
    private static func copy(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        lanes: Int,
        pixels: Int
    ) {
        switch lanes {
        case 1: for place in stride(from: 0, to: pixels * 16, by: 16) { unsafe y[place] = x[place] }
        case 16: unsafe y.update(from: x, count: pixels * 16)
        default:
            let whole = lanes / 4 * 4
            for place in stride(from: 0, to: pixels * 16, by: 16) {
                for lane in stride(from: 0, to: whole, by: 4) {
                    let four = unsafe UnsafeRawPointer(x + place + lane).loadUnaligned(as: SIMD4<Float>.self)
                    unsafe UnsafeMutableRawPointer(y + place + lane).storeBytes(
                        of: four,
                        as: SIMD4<Float>.self
                    )
                }
                for lane in whole..<lanes { unsafe y[place + lane] = x[place + lane] }
            }
        }
    }
}
