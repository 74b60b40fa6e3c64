/// How much memory this process may have.
package enum MachineMemory {
    /// The least of the machine's memory and the limits of the process's control groups, in bytes; nil when neither says.
    ///
    /// - Source: proc_meminfo(5); the kernel's cgroup-v2 documentation, `memory.max`, which every group above limits too.
    package static func available(
        meminfo: String = "/proc/meminfo",
        group: String = "/proc/self/cgroup",
        root: String = "/sys/fs/cgroup"
    ) -> Int? {
        // What cannot be read says nothing.
        let machine = (try? FileContents.read(meminfo, maxBytes: 1 << 16)).flatMap(total)
        var limits = [machine].compactMap(\.self)
        if let lines = try? FileContents.read(group, maxBytes: 1 << 16), let path = unified(lines) {
            var parts = path.split(separator: "/")
            while true {
                let file = ([root] + parts.map(String.init) + ["memory.max"]).joined(separator: "/")
                if let bytes = try? FileContents.read(file, maxBytes: 64), let limit = number(bytes) {
                    limits.append(limit)
                }
                if parts.popLast() == nil { break }
            }
        }
        return limits.min()
    }

    private static func total(_ bytes: [UInt8]) -> Int? {
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "MemTotal:".utf8) }
        return line.flatMap { number($0.dropFirst("MemTotal:".utf8.count)) }.map { $0 * 1024 }
    }

    /// The path of the process in the one hierarchy of version 2: `0::/path`.
    private static func unified(_ bytes: [UInt8]) -> String? {
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "0::".utf8) }
        return line.map { String(decoding: $0.dropFirst("0::".utf8.count), as: UTF8.self) }
    }

    /// The first number; nil for `max`.
    private static func number(_ bytes: some Sequence<UInt8>) -> Int? {
        let digits = bytes.drop { $0 == 0x20 || $0 == 0x09 }.prefix { (0x30...0x39).contains($0) }
        return Int(String(decoding: Array(digits), as: UTF8.self))
    }
}
