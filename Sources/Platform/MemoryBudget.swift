internal import Synchronization

/// The bytes that requests may make the process hold, all together: whoever wants to hold some takes a lease first.
///
/// A lease is given or refused at once, nobody waits for one, and it gives its bytes back when its last holder lets go.
package final class MemoryBudget: Sendable {
    /// What bytes are held for.
    package enum Use: Int, Sendable, CaseIterable {
        /// Bodies of requests, from their first byte.
        case bodies
        /// What was read out of them: numbers, tokens, words.
        case inputs
        /// Decoded images, and what decoding them takes.
        case pixels
        /// What the networks will see: crops and sequences, while they are prepared and while they wait.
        case tensors
        /// What the layers of a running batch make.
        case activations
        /// Answers, until the client has read them.
        case answers
        /// Sequences that clients go on with.
        case states
        /// Networks for shapes that requests chose.
        case shapes
    }

    /// How many bytes there are to lease.
    package let limit: Int
    private let limitOfBodies: Int
    private let total = Atomic(0)
    private let refused = Atomic(0)
    private let uses = Use.allCases.map { _ in Counter() }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    /// - Parameters:
    ///   - limit: how many bytes there are to lease.
    ///   - limitOfBodies: how many of them bodies may take. Where it is less than all, what has arrived can be worked on
    ///     even while others hoard bodies that never come to their end. nil: all.
    package init(limit: Int, limitOfBodies: Int? = nil) {
        precondition(limit > 0, "a budget of \(limit) bytes")
        self.limit = limit
        self.limitOfBodies = limitOfBodies ?? limit
    }

    /// How many bytes are leased.
    package var used: Int { total.load(ordering: .relaxed) }

    /// How many bytes are leased for one use.
    package func used(for use: Use) -> Int { uses[use.rawValue].value.load(ordering: .relaxed) }

    /// How many leases were refused so far.
    package var refusals: Int { refused.load(ordering: .relaxed) }

    /// Leases bytes; nil when there are not as many left.
    package func lease(_ bytes: Int, for use: Use) -> MemoryLease? {
        let lease = MemoryLease(of: self, for: use)
        return lease.resize(to: bytes) ? lease : nil
    }

    fileprivate func take(_ bytes: Int, for use: Use) -> Bool {
        if use == .bodies, bytes > 0, used(for: .bodies) + bytes > limitOfBodies {
            refused.add(1, ordering: .relaxed)
            return false
        }
        var before = total.load(ordering: .relaxed)
        while true {
            // A refusal leaves no trace, so that it refuses nobody else for a moment.
            let (after, overflows) = before.addingReportingOverflow(bytes)
            guard !overflows, after <= limit || bytes <= 0 else {
                refused.add(1, ordering: .relaxed)
                return false
            }
            let (isDone, now) = total.weakCompareExchange(
                expected: before,
                desired: after,
                ordering: .relaxed
            )
            if isDone { break }
            before = now
        }
        uses[use.rawValue].value.add(bytes, ordering: .relaxed)
        return true
    }
}

/// Bytes of a budget that somebody holds; they are given back when the last reference to this goes.
package final class MemoryLease: Sendable {
    private let budget: MemoryBudget
    private let use: MemoryBudget.Use
    private let held = Mutex(0)

    fileprivate init(of budget: MemoryBudget, for use: MemoryBudget.Use) {
        self.budget = budget
        self.use = use
    }

    /// How many bytes it is for.
    package var bytes: Int { held.withLock { $0 } }

    /// Takes more bytes or gives some back.
    ///
    /// - Returns: whether the budget had them; if not, the lease is what it was.
    package func resize(to bytes: Int) -> Bool {
        precondition(bytes >= 0, "a lease of \(bytes) bytes")
        return held.withLock { held in
            guard budget.take(bytes - held, for: use) else { return false }
            held = bytes
            return true
        }
    }

    deinit { _ = budget.take(-bytes, for: use) }
}
