internal import CKernels
internal import Graphs
internal import Platform
internal import Tensors

extension BlockedConv {
    func choice(output: Shape) -> AlgorithmChoice? {
        guard inputLines == nil, !isFirst, output.rank == 3 else { return nil }
        let cost = ConvCost(conv, output: output)
        let algorithms = cost.choices
        guard algorithms.count > 1 else { return nil }
        return AlgorithmChoice(
            key: "\(conv.inputChannels) → \(conv.structure) on \(output)",
            candidates: algorithms.map { .init(name: $0.name, cost: cost.cost($0)) },
            measuredCost: { cost.cost(algorithms[$0], seconds: $1) },
            trials: { (candidates) throws(SystemError) in
                try trials(candidates.map { algorithms[$0] }, output: output)
            }
        )
    }

    var algorithmName: String? { algorithm.name }

    func using(algorithm name: String) -> any PackedOp {
        guard let algorithm = ConvAlgorithm(named: name) else { return self }
        var op = self
        op.algorithm = algorithm
        return op
    }

    func accepts(_ arrays: [Tensor], from weights: [Tensor]) throws(SystemError) -> Bool {
        if algorithm == .direct { return true }
        return try WinogradCheck(self, weights: weights).accepts(arrays)
    }

    private func trials(
        _ algorithms: [ConvAlgorithm],
        output: Shape
    ) throws(SystemError) -> [() -> Void] {
        let (kernel, pads) = (conv.window.kernel, conv.window.pads)
        let input: Shape = [
            conv.inputChannels,
            output[1] + kernel.height - 1 - pads.top - pads.bottom,
            output[2] + kernel.width - 1 - pads.left - pads.right,
        ]
        let image = ConvTrial.image(of: input)
        return try algorithms.map { (algorithm) throws(SystemError) in
            var op = self
            op.algorithm = algorithm
            let trial = try ConvTrial(op, arrays: op.placeholders(), input: input, image: image)
            return { trial.run() }
        }
    }
}

/// What a convolution costs by each algorithm, in cycles of a core for an image of the model's own size.
///
/// The model weighs a lone image on two cores, where the weights come from memory, against a batch of eight, where
/// they are read once for all. It counts multiplications at the share of the peak that the kernels were measured to
/// reach, transforms, and bytes; larger weights must earn their memory.
struct ConvCost {
    private let conv: Conv
    private let pixels: (height: Int, width: Int)

    init(_ conv: Conv, output: Shape) {
        self.conv = conv
        pixels = (output[1], output[2])
    }

    /// The algorithms that apply: direct, and those of Winograd's that fit the window.
    var choices: [ConvAlgorithm] { [.direct] + ConvAlgorithm.winograds.filter { fits($0) } }

    /// With fewer channels the transforms outweigh what they save.
    private static let leastChannels = 32
    private static let multiplicationsPerCycle = 16.0
    /// Of the machine that the numbers here are from.
    private static let cyclesPerSecond = 3.7e9
    /// What two cores together get from memory.
    private static let bytesPerCycle = 6.0
    /// Bytes of weights that make an algorithm look twice as expensive.
    private static let bytesWorth = 500e6

    private func fits(_ algorithm: ConvAlgorithm) -> Bool {
        guard let kernel = algorithm.kernel, conv.groups == 1, conv.window.isDense,
            conv.inputChannels >= Self.leastChannels
        else { return false }
        let form = kernel_winograd_form_of(kernel)
        return form.taps_height == conv.window.kernel.height && form.taps_width == conv.window.kernel.width
    }

    /// What an algorithm costs; `seconds` is what a core was measured to take for an image, nil to count instead.
    func cost(_ algorithm: ConvAlgorithm, seconds: Double? = nil) -> Double {
        let (counted, bytes) = work(algorithm)
        let cycles = seconds.map { $0 * Self.cyclesPerSecond } ?? counted
        let alone = max(cycles / 2, bytes / Self.bytesPerCycle)
        let together = max(cycles / 2, bytes / 8 / Self.bytesPerCycle)
        return (alone + together) * (1 + bytes / Self.bytesWorth) * Self.price(algorithm)
    }

    /// F(6×6, 3×3) has five times the error of F(4×4, 3×3), which deep networks amplify: it must save a fifth.
    private static func price(_ algorithm: ConvAlgorithm) -> Double {
        algorithm.kernel == kernel_winograd_6x6_3x3 ? 1.2 : 1
    }

    /// The cycles of one core, and the bytes of weights.
    private func work(_ algorithm: ConvAlgorithm) -> (cycles: Double, bytes: Double) {
        let (inputs, outputs) = (Double(conv.inputChannels), Double(conv.outputChannels))
        let pairs = inputs * outputs
        let taps = Double(conv.window.taps)
        guard let kernel = algorithm.kernel else {
            let products = Double(pixels.height * pixels.width) * taps * pairs
            return (products / Self.multiplicationsPerCycle / 0.92, 4 * taps * pairs)
        }
        let form = kernel_winograd_form_of(kernel)
        let (elements, outputsPerTile) = (Double(form.elements), Double(form.tile_height * form.tile_width))
        let rows = (pixels.height + form.tile_height - 1) / form.tile_height
        let columns = (pixels.width + form.tile_width - 1) / form.tile_width
        let tiles = Double(rows * columns)
        // A transform stores every element once, which takes two cycles, and reads it.
        let transforms = tiles * (inputs * 3 * elements + outputs * (3 * elements + 2 * outputsPerTile)) / 16
        let products = tiles * elements * pairs / Self.multiplicationsPerCycle
        return (products / Self.share(elements) + transforms / 2, 4 * elements * pairs)
    }

    /// The share of the peak that the products reach: fewer elements leave more room for channels in the cache.
    private static func share(_ elements: Double) -> Double {
        elements <= 16 ? 0.95 : elements <= 36 ? 0.88 : 0.82
    }
}
