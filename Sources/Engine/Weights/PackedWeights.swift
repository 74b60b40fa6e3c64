internal import Graphs
internal import Platform
internal import Synchronization
internal import Tensors

/// The packed weights of a model, shared by the plans of all input shapes, by all sessions, and by the network that
/// slides over larger images.
///
/// Each layer is packed once, under its name, in one form: a fully connected layer in that of the convolution that it
/// becomes when it slides. The trained arrays that it was packed from are let go.
final class PackedWeights: Sendable {
    /// What a layer's kernel reads.
    struct Layer: Sendable {
        /// The name of the algorithm; nil when the layer has no choice.
        let algorithm: String?
        let arrays: [Tensor]
    }

    private struct State {
        /// By name and form.
        var layers: [String: Layer] = [:]
        /// By name.
        var choices: [String: String] = [:]
        var tuningFailure: SystemError?
    }

    private let chooser: AlgorithmChooser
    private let packing = Mutex(())
    private let state = Mutex(State())

    init(_ chooser: AlgorithmChooser) { self.chooser = chooser }

    /// The packed form of an operation, made when its name is asked for first.
    ///
    /// A convolution's algorithm is chosen for `nativeOutput`, its output on an image of the model's own size. With
    /// `releasing` the trained arrays are let go, unless the operation or another one needs them.
    ///
    /// - Throws: `SystemError` when there is no memory for it; it can be asked for again.
    func layer(
        _ op: any PackedOp,
        named name: String,
        weights: [TrainedArray],
        nativeOutput: Shape,
        releasing: Bool
    ) throws(SystemError) -> Layer {
        // One thread packs at a time, so that none looks for arrays that another has let go.
        try packing.withLock { (_) throws(SystemError) in
            let key = name + op.packingSuffix
            let layer: Layer
            if let known = state.withLock({ $0.layers[key] }) {
                layer = known
            } else {
                layer = try packed(
                    op,
                    named: name,
                    weights: weights.map(\.tensor),
                    nativeOutput: nativeOutput
                )
                state.withLock { state in
                    state.layers[key] = layer
                    state.choices[name] = layer.algorithm
                }
            }
            if releasing, !op.keepsTrained { for weight in weights { weight.release() } }
            return layer
        }
    }

    /// Keeps the choices of algorithms for the next time that these weights are loaded.
    func keepChoices() {
        let choices = state.withLock(\.choices)
        do throws(SystemError) {
            try chooser.keep(choices)
        } catch {
            state.withLock { $0.tuningFailure = error }
        }
    }

    /// What the packed forms take in memory.
    var bytes: Int {
        state.withLock { state in
            state.layers.values.reduce(0) { sum, layer in
                sum + layer.arrays.reduce(0) { $0 + $1.shape.elementCount * MemoryLayout<Float>.stride }
            }
        }
    }

    /// Why the choices could not be kept.
    var tuningFailure: SystemError? { state.withLock(\.tuningFailure) }

    private func packed(
        _ op: any PackedOp,
        named name: String,
        weights: [Tensor],
        nativeOutput: Shape
    ) throws(SystemError) -> Layer {
        guard let algorithm = chooser.algorithm(of: op, named: name, output: nativeOutput) else {
            return Layer(algorithm: nil, arrays: try op.packed(weights))
        }
        let chosen = op.using(algorithm: algorithm)
        let arrays = try chosen.packed(weights)
        guard try !chosen.accepts(arrays, from: weights), let choice = op.choice(output: nativeOutput) else {
            return Layer(algorithm: algorithm, arrays: arrays)
        }
        let plainest = choice.candidates[0].name
        return Layer(algorithm: plainest, arrays: try op.using(algorithm: plainest).packed(weights))
    }
}
