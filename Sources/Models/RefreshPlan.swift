internal import Platform

/// What to do with the versions of a model, of what is loaded and what lies in its folder: a value, so that it is decided
/// in one place and tested with names.
struct RefreshPlan: Equatable {
    /// A version in the folder.
    struct Found: Equatable {
        let number: Int
        /// Nil where the folder could not be looked at: it counts as changed.
        let stamp: FolderStamp?

        var name: String { String(number) }
    }

    /// To load, the default first.
    private(set) var loads: [String] = []
    /// As they are.
    private(set) var unchanged: [String] = []
    /// To load when a request asks for them.
    private(set) var onDemand: [String] = []
    /// Not to be loaded.
    private(set) var excluded: [String] = []
    /// To forget, because they are gone from the folder.
    private(set) var gone: [String] = []

    /// - Parameters:
    ///   - entry: the model as it is known; nil for a new one.
    ///   - found: its versions in the folder, in increasing order.
    ///   - policy: which of them are wanted.
    ///   - isLazy: whether versions wait for a request.
    ///   - isForced: whether an operator asks for the model.
    init(
        _ entry: ModelEntry?,
        found: [Found],
        policy: VersionPolicy,
        isLazy: Bool,
        isForced: Bool
    ) {
        let wanted = entry?.isHeld == true && !isForced ? [] : policy.wanted(of: found.map(\.number))
        for version in found.reversed() {
            let known = entry?.version(version.name)
            if !wanted.contains(version.number) {
                excluded.append(version.name)
            } else if known?.model != nil, known?.stamp != nil, known?.stamp == version.stamp {
                unchanged.append(version.name)
            } else if known?.model == nil, !isForced,
                isLazy || (known?.state == .unloaded && known?.isOnDemand == true)
            {
                onDemand.append(version.name)
            } else {
                loads.append(version.name)
            }
        }
        let names = found.map(\.name)
        gone = entry?.versions.map(\.version).filter { !names.contains($0) } ?? []
    }
}

/// Which models make room for another: those that no request has asked for for longest.
package enum ModelRoom {
    /// A model that is loaded.
    package struct Resident<Key> {
        package let key: Key
        package let bytes: Int
        package let lastUse: Int

        package init(key: Key, bytes: Int, lastUse: Int) {
            (self.key, self.bytes, self.lastUse) = (key, bytes, lastUse)
        }
    }

    /// Those that have to go, so that so many bytes more fit a limit; nil when they never do.
    package static func evictions<Key>(for bytes: Int, among residents: [Resident<Key>], limit: Int) -> [Key]?
    {
        guard bytes <= limit else { return nil }
        var used = residents.reduce(0) { $0 + $1.bytes }
        var evictions: [Key] = []
        for resident in residents.sorted(by: { $0.lastUse < $1.lastUse }) where used > limit - bytes {
            used -= resident.bytes
            evictions.append(resident.key)
        }
        return used <= limit - bytes ? evictions : nil
    }
}
