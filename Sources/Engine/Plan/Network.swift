package import Graphs
package import Platform
internal import Synchronization
package import Tensors

/// A graph with its weights, and the plans that were made of them.
///
/// Any thread may ask for a plan, which reshapes, optimises, chooses algorithms and packs what no plan has packed yet:
/// a plan that is handed to an engine's thread has nothing left to do but run.
package final class Network: Sendable {
    /// How many input shapes are remembered; the one that was not used for longest is forgotten first.
    package static let maxPlans = 64

    package let graph: Graph
    package let weights: Weights
    /// The most recently used last.
    private let plans = Mutex<[(shape: Shape, plan: Plan)]>([])
    private let planning = Mutex(())

    /// - Precondition: the weights were made for this graph, or for one with the same numbers under other shapes.
    package init(_ graph: Graph, weights: Weights) {
        self.graph = graph
        self.weights = weights
    }

    /// The plan for items of a shape.
    ///
    /// - Throws: `PlanError` when the network cannot take such items, or there is no memory to pack its weights.
    package func plan(for shape: Shape) throws(PlanError) -> Plan {
        if let known = known(shape) { return known }
        // Held while a plan is made, which takes its time: who wants the same one waits for it instead of making it too.
        return try planning.withLock { _ throws(PlanError) in
            if let known = known(shape) { return known }
            let plan = try made(for: shape)
            plans.withLock { plans in
                if plans.count == Self.maxPlans { plans.removeFirst() }
                plans.append((shape, plan))
            }
            return plan
        }
    }

    private func made(for shape: Shape) throws(PlanError) -> Plan {
        let graph: Graph
        do {
            graph = try self.graph.reshaped(to: shape)
        } catch {
            throw .shape(error)
        }
        do {
            return try Plan(graph, weights: weights)
        } catch {
            throw .memory(error)
        }
    }

    private func known(_ shape: Shape) -> Plan? {
        plans.withLock { plans in
            guard let index = plans.lastIndex(where: { $0.shape == shape }) else { return nil }
            let found = plans.remove(at: index)
            plans.append(found)
            return found.plan
        }
    }
}

/// Why there is no plan.
package enum PlanError: Error, Equatable, CustomStringConvertible {
    /// The network cannot take such items.
    case shape(ShapeError)
    /// There was no memory to pack weights into.
    case memory(SystemError)

    package var description: String {
        switch self {
        case .shape(let error): error.description
        case .memory(let error): "no memory for packed weights: \(error)"
        }
    }
}
