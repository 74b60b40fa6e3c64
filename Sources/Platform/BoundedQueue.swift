/// A queue of fixed capacity between threads: full means a fast no, never a wait for room.
package final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element?]
        var head = 0
        var count = 0
        var isClosed = false

        mutating func append(_ element: Element) {
            elements[(head + count) % elements.count] = element
            count += 1
        }

        mutating func removeFirst() -> Element? {
            guard count > 0 else { return nil }
            defer {
                elements[head] = nil
                head = (head + 1) % elements.count
                count -= 1
            }
            return elements[head]
        }
    }

    private let monitor: Monitor<State>

    /// - Parameter capacity: how many elements wait at most.
    package init(capacity: Int) {
        precondition(capacity > 0, "a queue with room for \(capacity)")
        monitor = Monitor(State(elements: [Element?](repeating: nil, count: capacity)))
    }

    /// Adds an element, unless the queue is full or closed.
    ///
    /// - Returns: whether it was added.
    package func offer(_ element: Element) -> Bool {
        monitor.signalOne { state in
            guard !state.isClosed, state.count < state.elements.count else { return false }
            state.append(element)
            return true
        }
    }

    /// Takes the oldest element, waiting for one if need be.
    ///
    /// - Returns: the element, or nil once the queue is closed and empty.
    package func take() -> Element? {
        let taken: Element?? = monitor.wait { state in
            if let element = state.removeFirst() { return .some(element) }
            return state.isClosed ? .some(nil) : nil
        }
        return taken ?? nil
    }

    /// Refuses further elements; those that wait can still be taken.
    package func close() {
        monitor.signal { $0.isClosed = true }
    }

    /// How many elements wait now.
    package var count: Int {
        monitor.withLock { $0.count }
    }
}
