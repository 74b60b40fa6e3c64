/// What a wrapper has put before the names of a network's tensors when they were saved, such as `module.` of PyTorch's
/// `DataParallel`, `_orig_mod.` of `torch.compile`, or the name of the field that held the network.
package enum WrapperPrefix {
    /// The prefix with which most of the names that are needed are there.
    ///
    /// - Parameters:
    ///   - needed: names that a network needs and a file lacks.
    ///   - names: those of the file.
    /// - Returns: with its dot at the end; nil where no prefix explains nine of ten.
    package static func of(_ needed: [String], in names: some Collection<String>) -> String? {
        guard let first = needed.first else { return nil }
        let ending = ".\(first)"
        let candidates = names.filter { $0.utf8.count > ending.utf8.count && $0.hasSuffix(ending) }
        guard let shortest = candidates.min(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) else {
            return nil
        }
        let prefix = String(shortest.dropLast(first.count))
        let known = Set(names)
        let found = needed.count { known.contains(prefix + $0) }
        return found * 10 >= needed.count * 9 ? prefix : nil
    }

    /// What to do about it, in one line.
    package static func advice(_ prefix: String) -> String {
        "the names in the file begin with \(quoted(prefix)), which a wrapper has put there: say \"prefix\": \"\(prefix)\" in"
            + " model.json"
    }
}
