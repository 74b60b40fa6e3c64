internal import Synchronization

/// How many requests each address has in the daemon, and how many it may have.
final class AddressLimit: Sendable {
    /// A place of one request, until nobody works on it any more.
    final class Place: Sendable {
        private let limit: AddressLimit
        private let address: String

        fileprivate init(_ limit: AddressLimit, _ address: String) {
            self.limit = limit
            self.address = address
        }

        deinit { limit.leave(address) }
    }

    private let most: Int
    private let counts = Mutex<[String: Int]>([:])

    init(_ most: Int) {
        self.most = most
    }

    /// A place for a request of an address; nil where it has as many as it may.
    func enter(_ address: String) -> Place? {
        let isIn = counts.withLock { counts in
            guard counts[address, default: 0] < most else { return false }
            counts[address, default: 0] += 1
            return true
        }
        return isIn ? Place(self, address) : nil
    }

    private func leave(_ address: String) {
        counts.withLock { counts in
            let rest = (counts[address] ?? 1) - 1
            counts[address] = rest > 0 ? rest : nil
        }
    }
}
