package import Support
internal import Synchronization

/// How many texts are generated at a time: each holds a worker, and others have to be answered too.
package final class GenerationLimit: Sendable {
    /// The right to generate one text; it ends with its last holder.
    package final class Permit: Sendable {
        private let limit: GenerationLimit

        fileprivate init(_ limit: GenerationLimit) {
            self.limit = limit
        }

        deinit { limit.active.subtract(1, ordering: .relaxed) }
    }

    /// How many there may be.
    package let most: Int
    private let active = Atomic(0)

    package init(_ most: Int) {
        precondition(most > 0, "\(most) generations at a time")
        self.most = most
    }

    /// How many there are.
    package var count: Int { active.load(ordering: .relaxed) }

    /// Takes a place.
    ///
    /// - Throws: `ServingError` with status 503 when there is none.
    package func permit() throws(ServingError) -> Permit {
        guard active.add(1, ordering: .relaxed).newValue <= most else {
            active.subtract(1, ordering: .relaxed)
            let message = "\(most) texts are generated already, as many as this server does at a time"
            throw .busy(code: "generations_full", message)
        }
        return Permit(self)
    }
}
