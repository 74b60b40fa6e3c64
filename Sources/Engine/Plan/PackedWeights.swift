internal import Synchronization

/// The packed weights of a model, shared by the plans of all input shapes and by all sessions.
///
/// Each layer is packed once, in one form. The pages of a mapped file that it was packed from are let go.
final class PackedWeights: Sendable {
    private let arrays = Mutex<[Int: [Tensor]]>([:])

    /// The packed arrays of a node of the model's graph; `pack` makes them from `weights` when they are asked for first.
    func arrays(for node: Int, of weights: [Tensor], pack: () -> [Tensor]) -> [Tensor] {
        if let known = arrays.withLock({ $0[node] }) { return known }
        let packed = pack()
        for weight in weights { weight.releasePages() }
        return arrays.withLock { arrays in
            let first = arrays[node] ?? packed // another thread may have been faster
            arrays[node] = first
            return first
        }
    }
}
