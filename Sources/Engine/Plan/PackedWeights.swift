internal import Synchronization

/// The packed weights of a model, shared by the plans of all input shapes, by all sessions, and by the network that
/// slides over larger images.
///
/// Each layer is packed once, under its name, in one form: a fully connected layer in that of the convolution that it
/// becomes when it slides. The pages of a mapped file that it was packed from are let go.
final class PackedWeights: Sendable {
    /// What a layer's kernel reads.
    struct Layer: Sendable {
        let algorithm: ConvAlgorithm
        let arrays: [Tensor]
    }

    let memory: WeightMemory
    private let layers = Mutex<[String: Layer]>([:])

    init(_ memory: WeightMemory) { self.memory = memory }

    /// The packed form of a layer; `pack` makes it from `weights` when it is asked for first.
    func layer(for node: String, of weights: [Tensor], pack: () -> Layer) -> Layer {
        if let known = layers.withLock({ $0[node] }) { return known }
        let packed = pack()
        for weight in weights { weight.releasePages() }
        return layers.withLock { layers in
            let first = layers[node] ?? packed // another thread may have been faster
            layers[node] = first
            return first
        }
    }
}

extension BlockedOp {
    /// Packs an operation; a convolution chooses its algorithm for an output of the model's own size.
    func packedLayer(
        _ weights: [Tensor],
        nativeOutput: Shape,
        memory: WeightMemory
    ) -> PackedWeights.Layer {
        guard var conv = self as? BlockedConv, memory == .fast else {
            return .init(algorithm: .direct, arrays: packed(weights))
        }
        let choice = conv.chosenAlgorithm(output: nativeOutput)
        conv.algorithm = choice
        let arrays = conv.packed(weights)
        if choice == .direct || WinogradCheck(conv, weights: weights).accepts(choice, arrays) {
            return .init(algorithm: choice, arrays: arrays)
        }
        conv.algorithm = .direct
        return .init(algorithm: .direct, arrays: conv.packed(weights))
    }
}
