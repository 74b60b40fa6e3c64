internal import Platform
internal import Synchronization

/// The packed weights of a model, shared by the plans of all input shapes, by all sessions, and by the network that
/// slides over larger images.
///
/// Each layer is packed once, under its name, in one form: a fully connected layer in that of the convolution that it
/// becomes when it slides. The pages of a mapped file that it was packed from are let go.
final class PackedWeights: Sendable {
    /// What a layer's kernel reads.
    struct Layer: Sendable {
        /// Nil when the layer has no choice.
        let algorithm: ConvAlgorithm?
        let arrays: [Tensor]
    }

    private struct State {
        var layers: [String: Layer] = [:]
        var tuningFailure: SystemError?
    }

    private let chooser: ConvChooser
    private let state = Mutex(State())

    init(_ chooser: ConvChooser) { self.chooser = chooser }

    /// The packed form of an operation, made when its name is asked for first.
    ///
    /// A convolution's algorithm is chosen for `nativeOutput`, its output on an image of the model's own size.
    func layer(_ op: any BlockedOp, named name: String, weights: [Tensor], nativeOutput: Shape) -> Layer {
        if let known = state.withLock({ $0.layers[name] }) { return known }
        let packed = packed(op, named: name, weights: weights, nativeOutput: nativeOutput)
        for weight in weights { weight.releasePages() }
        return state.withLock { state in
            let first = state.layers[name] ?? packed // another thread may have been faster
            state.layers[name] = first
            return first
        }
    }

    /// Keeps the choices of algorithms for the next time that these weights are loaded.
    func keepChoices() {
        let choices = state.withLock { $0.layers.compactMapValues(\.algorithm) }
        do throws(SystemError) {
            try chooser.keep(choices)
        } catch {
            state.withLock { $0.tuningFailure = error }
        }
    }

    /// Why the choices could not be kept.
    var tuningFailure: SystemError? { state.withLock(\.tuningFailure) }

    private func packed(
        _ op: any BlockedOp,
        named name: String,
        weights: [Tensor],
        nativeOutput: Shape
    ) -> Layer {
        guard var conv = op as? BlockedConv,
            let choice = chooser.choice(for: conv, named: name, output: nativeOutput)
        else { return Layer(algorithm: nil, arrays: op.packed(weights)) }
        conv.algorithm = choice
        let arrays = conv.packed(weights)
        if choice == .direct || WinogradCheck(conv, weights: weights).accepts(arrays) {
            return Layer(algorithm: choice, arrays: arrays)
        }
        conv.algorithm = .direct
        return Layer(algorithm: .direct, arrays: conv.packed(weights))
    }
}
