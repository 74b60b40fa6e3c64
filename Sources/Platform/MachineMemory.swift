/// How much memory this process may have.
package enum MachineMemory {
    /// The least of the machine's memory and the limits of the process's control groups, in bytes; nil when neither says.
    ///
    /// - Source: proc_meminfo(5); the kernel's cgroup-v2 documentation, `memory.max`, and its cgroup-v1 documentation,
    ///   `memory.limit_in_bytes`. A group above limits its children too, so all are read.
    package static func available(
        meminfo: String = "/proc/meminfo",
        group: String = "/proc/self/cgroup",
        root: String = "/sys/fs/cgroup"
    ) -> Int? {
        // What cannot be read says nothing.
        let machine = (try? FileContents.read(meminfo, maxBytes: 1 << 16)).flatMap(total)
        var limits = [machine].compactMap(\.self)
        let groups = (try? FileContents.read(group, maxBytes: 1 << 16)) ?? []
        for line in groups.split(separator: UInt8(ascii: "\n")) {
            guard let (folder, file) = limitFile(of: String(decoding: line, as: UTF8.self), root) else {
                continue
            }
            limits += self.limits(folder.mount, folder.path, file)
        }
        return limits.min()
    }

    private static func total(_ bytes: [UInt8]) -> Int? {
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "MemTotal:".utf8) }
        return line.flatMap { number($0.dropFirst("MemTotal:".utf8.count)) }.map { $0 * 1024 }
    }

    /// Where the limit of a line `0::/path` (version 2) or `4:memory:/path` (version 1) stands; nil for other controllers.
    private static func limitFile(
        of line: String,
        _ root: String
    ) -> (folder: (mount: String, path: Substring), file: String)? {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        if parts[1].isEmpty { return ((root, parts[2]), "memory.max") }
        guard parts[1].split(separator: ",").contains("memory") else { return nil }
        return (("\(root)/memory", parts[2]), "memory.limit_in_bytes")
    }

    /// The limits of a group and of those above it; version 1 says "none" with a number that no machine has.
    private static func limits(_ mount: String, _ path: Substring, _ file: String) -> [Int] {
        var (limits, parts) = ([Int](), path.split(separator: "/"))
        while true {
            let name = ([mount] + parts.map(String.init) + [file]).joined(separator: "/")
            if let bytes = try? FileContents.read(name, maxBytes: 4096), let limit = number(bytes) {
                limits.append(limit)
            }
            if parts.popLast() == nil { return limits }
        }
    }

    /// The first number; nil for `max`.
    private static func number(_ bytes: some Sequence<UInt8>) -> Int? {
        let digits = bytes.drop(while: \.isBlank).prefix(while: \.isDigit)
        return Int(String(decoding: Array(digits), as: UTF8.self))
    }
}
