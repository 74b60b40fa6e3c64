internal import Platform

/// What waits for a network, and for how long.
package struct QueueState: Sendable {
    package let network: ServedNetwork
    /// Items that wait.
    package let items: Int
    /// How much of the queue's places is taken, by items that wait and by those that are admitted and not here yet; over 1
    /// after a request of more items than there are places.
    package let fullness: Double
    /// Seconds until an item that came now would begin, as predicted.
    package let predictedWait: Double
}

extension Scheduler {
    /// The queue of each network that has been asked for; a model of several networks has several.
    package func queues(now: ContinuousClock.Instant = .now) -> [QueueState] {
        state.withLock { state in
            let counts = state.queues.counts
            return state.networks.map { key, network in
                QueueState(
                    network: network,
                    items: counts[key] ?? 0,
                    fullness: Double(state.queues.count(key)) / Double(max(1, state.queues.maxItems(key))),
                    predictedWait: Self.wait(key, state, now: now)
                )
            }
        }
    }
}
