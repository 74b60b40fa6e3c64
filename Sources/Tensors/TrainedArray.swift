internal import Synchronization

/// One trained array, until a layer has been packed from it.
package struct TrainedArray: Sendable {
    package let shape: Shape
    package let elementType: ElementType
    private let store: Store

    /// - Parameters:
    ///   - tensor: the numbers.
    ///   - isKept: whether they stay although a layer is packed from them.
    package init(_ tensor: Tensor, isKept: Bool = false) {
        shape = tensor.shape
        elementType = tensor.elementType
        store = Store(.raw(tensor, isKept: isKept))
    }

    private init(_ other: TrainedArray, shape: Shape) {
        self.shape = shape
        elementType = other.elementType
        store = other.store
    }

    /// The numbers.
    ///
    /// - Precondition: they were not released.
    package var tensor: Tensor {
        store.state.withLock { state in
            guard case .raw(let tensor, _) = state else {
                preconditionFailure("the numbers of a \(shape) array are packed, and gone")
            }
            return tensor.reshaped(to: shape)
        }
    }

    /// The numbers, or nil when they were released.
    package var remaining: Tensor? {
        store.state.withLock { state in
            if case .raw(let tensor, _) = state { tensor.reshaped(to: shape) } else { nil }
        }
    }

    /// The numbers for a kernel that reads them as they are: they stay.
    package var kept: Tensor {
        let tensor = tensor
        store.state.withLock { $0 = .raw(tensor, isKept: true) }
        return tensor
    }

    /// Has the numbers stay; false where they were released.
    package func keep() -> Bool {
        store.state.withLock { state in
            guard case .raw(let tensor, _) = state else { return false }
            state = .raw(tensor, isKept: true)
            return true
        }
    }

    /// Whether two are one array, whatever their shapes.
    package func isSame(as other: TrainedArray) -> Bool { store === other.store }

    /// Lets the numbers go, unless somebody reads them as they are.
    package func release() {
        store.state.withLock { state in
            if case .raw(_, isKept: false) = state { state = .packed }
        }
    }

    /// What the numbers take in memory; 0 once they were released.
    package var bytes: Int {
        store.state.withLock { state in
            guard case .raw(let tensor, _) = state else { return 0 }
            return tensor.shape.elementCount * MemoryLayout<Float>.stride
        }
    }

    /// The same array under another shape.
    package func reshaped(to shape: Shape) -> TrainedArray { TrainedArray(self, shape: shape) }

    private enum State {
        case raw(Tensor, isKept: Bool)
        case packed
    }

    private final class Store: Sendable {
        let state: Mutex<State>

        init(_ state: sending State) { self.state = Mutex(state) }
    }
}

/// What tells a trained array: its name, or the last part of it beside an operation, and its shape.
package struct Parameter: Hashable, Sendable {
    package let name: String
    package let shape: Shape

    package init(_ name: String, _ shape: Shape) {
        self.name = name
        self.shape = shape
    }
}
