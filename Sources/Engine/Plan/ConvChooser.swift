internal import Platform

/// How the algorithms of a model's convolutions are chosen.
package enum Tuning: Sendable {
    /// By the cost model: the same on every machine with the same instruction set.
    case off
    /// By measuring; what is found is kept in a folder, if there is one, and read from there the next time.
    case measured(folder: String?)

    /// The same with nothing kept.
    var unkept: Tuning {
        if case .measured = self { .measured(folder: nil) } else { .off }
    }
}

/// Chooses the algorithm of each convolution: one for every batch size and image size, since its numbers must not
/// depend on them.
struct ConvChooser: Sendable {
    private let memory: WeightMemory
    private let tuner: ConvTuner?
    private let file: TuningFile?
    /// What the file says, by the layer's name.
    private let kept: [String: ConvAlgorithm]

    /// - Parameters:
    ///   - memory: what the packed forms may take.
    ///   - tuning: how to choose.
    ///   - graph: the network; one without choices has nothing to keep.
    ///   - fingerprint: of the weights.
    init(_ memory: WeightMemory, _ tuning: Tuning, for graph: Graph, fingerprint: UInt64) {
        self.memory = memory
        guard case .measured(let folder) = tuning, memory == .fast, graph.offersChoices else {
            (tuner, file, kept) = (nil, nil, [:])
            return
        }
        tuner = ConvTuner()
        file = folder.map { TuningFile(folder: $0, weights: fingerprint) }
        kept = file?.read() ?? [:]
    }

    /// The algorithm of a layer whose output has a shape on an image of the model's own size; nil when it has no choice.
    func choice(for op: BlockedConv, named name: String, output: Shape) -> ConvAlgorithm? {
        guard memory == .fast, let cost = op.cost(output: output) else { return nil }
        if let choice = kept[name], cost.choices.contains(choice) { return choice }
        return tuner?.choice(for: op, output: output, cost: cost) ?? cost.best
    }

    /// Keeps the choices of all layers that had one, unless they are what was read.
    ///
    /// - Throws: `SystemError` when the file cannot be written; the choices hold for this process.
    func keep(_ choices: [String: ConvAlgorithm]) throws(SystemError) {
        guard let file, choices != kept else { return }
        try file.write(choices)
    }
}

extension Graph {
    /// Whether a convolution has more than one algorithm.
    fileprivate var offersChoices: Bool {
        nodes.contains { node in
            guard let conv = node.op as? Conv, node.shape.rank == 3 else { return false }
            return ConvCost(conv, output: node.shape).choices.count > 1
        }
    }
}
