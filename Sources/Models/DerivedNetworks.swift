internal import Engine
internal import Inference
internal import Synchronization

/// Networks that are made of a model's own when somebody asks for what it computes on the way to its answer.
///
/// They read the numbers of the network that they are made of, packed once for all; a model that nobody asks has none. A few
/// are kept, those that were asked for last.
final class DerivedNetworks: Sendable {
    /// What is asked for.
    enum Key: Hashable, Sendable {
        case classMaps
        case value(Graph.Value, isAveraged: Bool)
    }

    private static let most = 4
    /// The one that was asked for last at the end.
    private let kept = Mutex<[(key: Key, network: ServedNetwork)]>([])

    /// The network for a key, made where it is not kept.
    func network(for key: Key, make: () -> ServedNetwork) -> ServedNetwork {
        kept.withLock { kept in
            let index = kept.firstIndex { $0.key == key }
            let entry = index.map { kept.remove(at: $0) } ?? (key: key, network: make())
            if kept.count == Self.most { kept.removeFirst() }
            kept.append(entry)
            return entry.network
        }
    }
}
