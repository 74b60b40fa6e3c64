internal import Platform
internal import Synchronization

/// One trained array, until a layer has been packed from it.
struct TrainedArray: Sendable {
    let shape: Shape
    private let store: Store

    /// - Parameters:
    ///   - tensor: the numbers.
    ///   - isKept: whether they stay although a layer is packed from them.
    init(_ tensor: Tensor, isKept: Bool = false) {
        shape = tensor.shape
        store = Store(.raw(tensor, isKept: isKept))
    }

    private init(shape: Shape, store: Store) {
        self.shape = shape
        self.store = store
    }

    /// The numbers.
    ///
    /// - Precondition: they were not released.
    var tensor: Tensor {
        store.state.withLock { state in
            guard case .raw(let tensor, _) = state else {
                preconditionFailure("the numbers of a \(shape) array are packed, and gone")
            }
            return tensor.reshaped(to: shape)
        }
    }

    /// The numbers for a kernel that reads them as they are: they stay.
    var kept: Tensor {
        let tensor = tensor
        store.state.withLock { $0 = .raw(tensor, isKept: true) }
        return tensor
    }

    /// Lets the numbers go, unless somebody reads them as they are.
    func release() {
        store.state.withLock { state in
            if case .raw(_, isKept: false) = state { state = .packed }
        }
    }

    /// The same array under another shape.
    func reshaped(to shape: Shape) -> TrainedArray { TrainedArray(shape: shape, store: store) }

    private enum State {
        case raw(Tensor, isKept: Bool)
        case packed
    }

    private final class Store: Sendable {
        let state: Mutex<State>

        init(_ state: sending State) { self.state = Mutex(state) }
    }
}

/// What is found out about weights while they are in memory.
struct WeightsSummary {
    /// Made from the names, shapes and numbers: 32 bytes.
    let digest: [UInt8]
    /// The first of the digest's numbers.
    let fingerprint: UInt64
    /// The first parameter with a number that is infinite or none.
    let firstNotFinite: String?

    /// - Precondition: there is a tensor for each parameter.
    init(_ parameters: [Parameter], _ tensors: [Tensor]) {
        var facts: [UInt64] = []
        var firstNotFinite: String?
        for (parameter, tensor) in zip(parameters, tensors) {
            facts.append(Fingerprint.of("\(parameter.name) \(parameter.shape)"))
            tensor.withSpan { numbers in
                facts.append(unsafe Fingerprint.of(numbers.bytes))
                if firstNotFinite == nil, !Self.areFinite(numbers) { firstNotFinite = parameter.name }
            }
        }
        let parts = (UInt64(0)..<4).map { unsafe Fingerprint.of(([$0] + facts).span.bytes) }
        digest = parts.flatMap { part in (0..<8).map { UInt8(truncatingIfNeeded: part >> (8 * $0)) } }
        fingerprint = parts[0]
        self.firstNotFinite = firstNotFinite
    }

    private static func areFinite(_ numbers: Span<Float>) -> Bool {
        var largest: UInt32 = 0 // an exponent of all ones is that of infinity and of what is no number
        for index in numbers.indices { largest = max(largest, numbers[index].bitPattern & 0x7F80_0000) }
        return largest < 0x7F80_0000
    }
}
