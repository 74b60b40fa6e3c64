import CKernels
import Foundation
import Testing

/// One layer for every algorithm whose filter it is large enough for; activations are in blocks of 16 channels.
struct WinogradCase: CustomTestStringConvertible, Sendable {
    let input: Int
    let output: Int
    let height: Int
    let width: Int
    let pad: Int
    var hasBias = false
    var hasResidual = false
    var range: ClosedRange<Float> = -.infinity ... .infinity

    var testDescription: String { "\(input) to \(output) channels, \(height) × \(width), pad \(pad)" }

    // swift-format-ignore
    static let all: [WinogradCase] = [
        WinogradCase(input: 16, output: 16, height: 1,  width: 1,  pad: 1),
        WinogradCase(input: 3,  output: 20, height: 2,  width: 5,  pad: 2, hasBias: true, range: 0 ... .infinity),
        WinogradCase(input: 17, output: 33, height: 7,  width: 7,  pad: 1, hasBias: true, hasResidual: true, range: 0 ... 6),
        WinogradCase(input: 32, output: 48, height: 13, width: 9,  pad: 0, hasResidual: true),
        WinogradCase(input: 64, output: 16, height: 14, width: 28, pad: 3, hasBias: true),
    ]
}

@Suite struct WinogradTests {
    /// What each algorithm may err by, relative to the largest output.
    static let bounds: [(algorithm: kernel_winograd_algorithm, bound: Double)] = [
        (kernel_winograd_2x2_3x3, 1e-6), (kernel_winograd_4x4_3x3, 3e-6), (kernel_winograd_6x6_3x3, 2e-5),
        (kernel_winograd_2x2_5x5, 3e-6), (kernel_winograd_4x4_5x5, 2e-5),
        (kernel_winograd_1x4_1x3, 2e-6), (kernel_winograd_4x1_3x1, 2e-6),
        (kernel_winograd_1x4_1x7, 1e-5), (kernel_winograd_4x1_7x1, 1e-5),
    ]

    @Test(arguments: WinogradCase.all)
    func `matches a naive convolution in double precision`(row: WinogradCase) {
        for (algorithm, bound) in Self.bounds {
            guard let layer = Layer(algorithm, row) else { continue }
            let cut = unsafe kernel_winograd_cut_for([layer.shape], Layer.items, 2)
            expectClose(
                layer.run(cut, order: Array(0..<cut.tasks)),
                layer.reference(),
                tolerance: bound,
                "algorithm \(algorithm.rawValue), \(row.testDescription)"
            )
        }
    }

    @Test(arguments: WinogradCase.all)
    func `gives the same bits in every order of tasks and every cut`(row: WinogradCase) {
        for (algorithm, _) in Self.bounds {
            guard let layer = Layer(algorithm, row) else { continue }
            let whole = unsafe kernel_winograd_cut_for([layer.shape], Layer.items, 1)
            let expected = layer.run(whole, order: Array(0..<whole.tasks)).map(\.bitPattern)
            for (tiles, blocks) in [(1, 1), (5, 2), (13, 1), (64, 3)] {
                var cut = kernel_winograd_cut(tiles: tiles, blocks: blocks, tasks: 0, scratch: 0)
                unsafe kernel_winograd_count([layer.shape], Layer.items, &cut)
                let found = layer.run(cut, order: (0..<cut.tasks).reversed()).map(\.bitPattern)
                #expect(found == expected, "algorithm \(algorithm.rawValue), cut \(tiles) × \(blocks)")
            }
        }
    }

    /// A NaN is spread over its tile by the transforms, but must not vanish in the clamp.
    @Test func `keeps NaN`() throws {
        let row = WinogradCase(input: 16, output: 16, height: 4, width: 4, pad: 1, range: 0...6)
        var layer = try #require(Layer(kernel_winograd_4x4_3x3, row))
        layer.input[5 * 16] = .nan
        let cut = unsafe kernel_winograd_cut_for([layer.shape], Layer.items, 1)
        #expect(layer.run(cut, order: Array(0..<cut.tasks))[0].isNaN)
    }
}

/// Two items of a layer with random numbers, in rectified input and weights that keep its variance.
private struct Layer {
    static let items = 2

    let shape: kernel_winograd_shape
    let form: kernel_winograd_form
    let range: ClosedRange<Float>
    var input: [Float]
    let residual: [Float]
    let bias: [Float]
    let weight: [Float]

    /// Null when the padded image is smaller than the filter.
    init?(_ algorithm: kernel_winograd_algorithm, _ row: WinogradCase) {
        form = kernel_winograd_form_of(algorithm)
        let padTop = form.taps_height > 1 ? row.pad : 0
        let padLeft = form.taps_width > 1 ? row.pad : 0
        let outHeight = row.height + 2 * padTop - form.taps_height + 1
        let outWidth = row.width + 2 * padLeft - form.taps_width + 1
        guard outHeight > 0, outWidth > 0 else { return nil }
        shape = kernel_winograd_shape(
            algorithm: algorithm,
            in_channels: row.input,
            out_channels: row.output,
            height: row.height,
            width: row.width,
            out_height: outHeight,
            out_width: outWidth,
            pad_top: padTop,
            pad_left: padLeft
        )
        range = row.range
        var state: UInt64 = 0x5EED_1E55
        func normal() -> Float {
            var sum = -6.0
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sum += Double(state >> 11) * 0x1p-53
            }
            return Float(sum)
        }
        func activations(_ channels: Int, _ pixels: Int) -> [Float] {
            let blocks = (channels + 15) / 16
            return (0..<Self.items * blocks * pixels * 16).map { index in
                let value = normal()
                return index / (pixels * 16) % blocks * 16 + index % 16 < channels ? value : 0
            }
        }
        input = activations(row.input, row.height * row.width).map { max($0, 0) }
        residual = row.hasResidual ? activations(row.output, outHeight * outWidth) : []
        bias = row.hasBias ? activations(row.output, 1) : []
        let taps = form.taps_height * form.taps_width
        let deviation = (2 / Float(row.input * taps)).squareRoot()
        weight = (0..<row.output * row.input * taps).map { _ in normal() * deviation }
    }

    private var inputBlock: Int { shape.height * shape.width * 16 }
    private var outputBlock: Int { shape.out_height * shape.out_width * 16 }
    private var inputBlocks: Int { (shape.in_channels + 15) / 16 }
    private var outputBlocks: Int { (shape.out_channels + 15) / 16 }

    /// Runs the tasks of a cut in the given order.
    func run(_ cut: kernel_winograd_cut, order: [Int]) -> [Float] {
        let x = Aligned(input)
        let y = Aligned([Float](repeating: .nan, count: Self.items * outputBlocks * outputBlock))
        let added = Aligned(residual)
        let bias = Aligned(self.bias)
        let scratch = Aligned([Float](repeating: .nan, count: cut.scratch))
        let count = kernel_winograd_weights(shape.algorithm, shape.in_channels, shape.out_channels)
        let packed = Aligned([Float](repeating: .nan, count: count))
        for block in 0..<outputBlocks {
            unsafe kernel_winograd_pack(
                shape.algorithm,
                shape.in_channels,
                shape.out_channels,
                block,
                weight,
                packed.start
            )
        }
        let outputItem = outputBlocks * outputBlock
        let call = unsafe kernel_winograd_call(
            input: kernel_winograd_tensor(data: x.start, block: inputBlock, item: inputBlocks * inputBlock),
            output: kernel_winograd_tensor(data: y.start, block: outputBlock, item: outputItem),
            residual: kernel_winograd_tensor(
                data: residual.isEmpty ? nil : added.start,
                block: outputBlock,
                item: outputItem
            ),
            weights: packed.start,
            bias: self.bias.isEmpty ? nil : UnsafePointer(bias.start),
            lower: range.lowerBound,
            upper: range.upperBound,
            function: nil
        )
        for task in order {
            unsafe kernel_winograd_run([shape], Self.items, [cut], [call], task, scratch.start)
        }
        return y.floats
    }

    func reference() -> [Double] {
        (0..<Self.items * outputBlocks * outputBlock).map { index in
            let channel = index / outputBlock % outputBlocks * 16 + index % 16
            guard channel < shape.out_channels else { return 0 }
            let pixel = index % outputBlock / 16
            var sum = bias.isEmpty ? 0 : Double(bias[channel])
            if !residual.isEmpty { sum += Double(residual[index]) }
            for i in 0..<form.taps_height {
                for j in 0..<form.taps_width {
                    let y = pixel / shape.out_width + i - shape.pad_top
                    let x = pixel % shape.out_width + j - shape.pad_left
                    guard 0..<shape.height ~= y, 0..<shape.width ~= x else { continue }
                    let item = index / (outputBlocks * outputBlock) * inputBlocks
                    for c in 0..<shape.in_channels {
                        let at = ((item + c / 16) * shape.height + y) * shape.width + x
                        let filter = (channel * shape.in_channels + c) * form.taps_height
                        let tap = weight[(filter + i) * form.taps_width + j]
                        sum += Double(input[at * 16 + c % 16]) * Double(tap)
                    }
                }
            }
            return min(max(sum, Double(range.lowerBound)), Double(range.upperBound))
        }
    }
}

/// Floats on a 64-byte boundary.
private final class Aligned {
    let start: UnsafeMutablePointer<Float>
    private let count: Int

    init(_ floats: [Float]) {
        count = floats.count
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
        unsafe start = bytes.bindMemory(to: Float.self, capacity: max(count, 1))
        unsafe start.initialize(from: floats, count: count)
    }

    deinit { unsafe UnsafeMutableRawPointer(start).deallocate() }

    var floats: [Float] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }
}
