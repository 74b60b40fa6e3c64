package import ONNX
package import Platform
package import Support

/// Where networks for new shapes are made, while the requests that want them wait without a thread.
///
/// One is made at a time, on a thread of its own, for all models together: neither the engine nor the threads of other requests
/// have anything to do with it. What nobody waits for any more is not begun. Of one model a few may wait, so that a client that
/// sends ever new shapes delays no other model for long.
package final class ShapeWorkshop: Sendable {
    private typealias Outcome = Result<NetworksByShape.Shaped, ServingError>

    private struct Waiter {
        let context: RequestContext
        let resume: @Sendable (Outcome) -> Void
    }

    /// A network that somebody wants.
    private struct Order {
        let networks: NetworksByShape
        let given: GivenShapes
        var waiters: [Waiter]

        func isFor(_ other: NetworksByShape, _ shapes: GivenShapes) -> Bool {
            networks === other && given.dimensions == shapes.dimensions
        }
    }

    /// What a thread does that is there while there is something to do.
    private enum Role: String {
        case making = "shapes"
        case watching = "shapes-watch"
    }

    private struct State {
        /// In the order in which they came; the first is being made while a thread is there.
        var orders: [Order] = []
        var threads: Set<Role> = []
        var isClosed = false
    }

    /// The most networks of one model that wait to be made, and of all.
    package static let (mostOfModel, most) = (4, 32)
    /// How often those who wait are looked at; who waits for what has been made is told at once.
    private static let interval: Duration = .milliseconds(20)

    private let budget: MemoryBudget?
    private let state = Monitor(State())

    /// - Parameter budget: what networks are leased from, beyond what all of a model share.
    package init(budget: MemoryBudget? = nil) { self.budget = budget }

    /// The network for what a request asks for.
    ///
    /// - Parameters:
    ///   - given: the extents.
    ///   - networks: of the model.
    ///   - context: whose deadline and departure end the wait.
    /// - Returns: the network, once it is there.
    /// - Throws: `ServingError`: 400 and 413 where there is none for such shapes, 503 where there is no memory, or too many wait.
    package func network(
        for given: GivenShapes,
        of networks: NetworksByShape,
        _ context: RequestContext
    ) async throws(ServingError) -> NetworksByShape.Shaped {
        if let known = networks.known(given) { return known }
        let outcome = await withCheckedContinuation { continuation in
            order(given, of: networks, Waiter(context: context) { continuation.resume(returning: $0) })
        }
        return try outcome.get()
    }

    private func order(_ given: GivenShapes, of networks: NetworksByShape, _ waiter: Waiter) {
        let refusal = state.withLock { state -> ServingError? in
            if state.isClosed { return .draining }
            if let index = state.orders.firstIndex(where: { $0.isFor(networks, given) }) {
                state.orders[index].waiters.append(waiter)
                return nil
            }
            let own = state.orders.count { $0.networks === networks }
            guard own < Self.mostOfModel, state.orders.count < Self.most else {
                return .busy(
                    code: "shapes_busy",
                    "\(own) networks for other shapes are being made of this model; try again later"
                )
            }
            state.orders.append(Order(networks: networks, given: given, waiters: [waiter]))
            return nil
        }
        if let refusal { return waiter.resume(.failure(refusal)) }
        start(.making) { while self.makeNext() {} }
        start(.watching) { while self.lookAfterWaiting() {} }
    }

    /// Starts a thread unless it is there; it ends itself when there is nothing to do.
    private func start(_ role: Role, _ work: @escaping @Sendable () -> Void) {
        let isNeeded = state.withLock { state in
            !state.isClosed && !state.orders.isEmpty && state.threads.insert(role).inserted
        }
        guard isNeeded else { return }
        do throws(SystemError) {
            _ = try Thread(name: role.rawValue, work)
        } catch {
            let orders = state.withLock { state in
                state.threads.remove(role)
                defer { state.orders = [] }
                return state.orders
            }
            let failure = ServingError.internalError("no thread for the network: \(error)")
            for waiter in orders.flatMap(\.waiters) { waiter.resume(.failure(failure)) }
        }
    }

    /// Makes the first network that somebody still waits for; false when there is none.
    private func makeNext() -> Bool {
        let now = ContinuousClock.now
        let (next, dropped) = state.signal { state -> (Order?, [Waiter]) in
            var dropped: [Waiter] = []
            while let order = state.orders.first,
                !order.waiters.contains(where: { $0.context.reasonToStop(now: now) == nil })
            {
                dropped += state.orders.removeFirst().waiters
            }
            if state.orders.isEmpty { state.threads.remove(.making) }
            return (state.orders.first, dropped)
        }
        Self.end(dropped, now: now)
        guard let next else { return false }
        let outcome: Outcome
        do throws(ServingError) {
            outcome = .success(try next.networks.network(for: next.given, budget))
        } catch {
            outcome = .failure(error)
        }
        let waiters = state.withLock { state in
            let index = state.orders.firstIndex { $0.isFor(next.networks, next.given) }
            return index.map { state.orders.remove(at: $0).waiters } ?? []
        }
        for waiter in waiters { waiter.resume(outcome) }
        return true
    }

    /// Tells those whose time is over; false when nobody waits any more.
    private func lookAfterWaiting() -> Bool {
        _ = state.wait(until: .now + Self.interval) { $0.isClosed ? true : nil }
        let now = ContinuousClock.now
        let (dead, goesOn) = state.signal { state in
            var dead: [Waiter] = []
            for index in state.orders.indices {
                dead += state.orders[index].waiters.filter { $0.context.reasonToStop(now: now) != nil }
                state.orders[index].waiters.removeAll { $0.context.reasonToStop(now: now) != nil }
            }
            if state.orders.isEmpty { state.threads.remove(.watching) }
            return (dead, !state.orders.isEmpty)
        }
        Self.end(dead, now: now)
        return goesOn
    }

    private static func end(_ waiters: [Waiter], now: ContinuousClock.Instant) {
        for waiter in waiters {
            waiter.resume(.failure(waiter.context.reasonToStop(now: now) ?? .cancelled))
        }
    }

    /// How many networks are being made or wait for it.
    package var waiting: Int { state.withLock { $0.orders.count } }

    /// Refuses who waits and who comes, and ends when the network that is being made is done.
    package func close() {
        let orders = state.signal { state in
            state.isClosed = true
            defer { state.orders = [] }
            return state.orders
        }
        for waiter in orders.flatMap(\.waiters) { waiter.resume(.failure(.draining)) }
        _ = state.wait { $0.threads.isEmpty ? true : nil }
    }
}
