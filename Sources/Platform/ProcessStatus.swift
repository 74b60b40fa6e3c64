import Glibc

/// What the system says of this process.
///
/// - Source: proc(5), `/proc/[pid]/stat`, `/proc/[pid]/statm` and `/proc/[pid]/limits`.
package struct ProcessStatus: Sendable, Equatable {
    /// Memory that is in RAM, in bytes.
    package let residentBytes: Int
    /// Processor time of all threads, user and system, in seconds.
    package let processorSeconds: Double
    /// When the process started, in seconds since 1970.
    package let startSeconds: Double
    /// How many descriptors are open.
    package let openDescriptors: Int
    /// How many may be open; nil when there is no limit.
    package let maxDescriptors: Int?
    /// How many threads there are.
    package let threads: Int

    /// The status now; nil where `/proc` is not mounted.
    package static func current() -> ProcessStatus? {
        // Without /proc there is nothing to tell.
        guard let stat = text("/proc/self/stat"), let statm = text("/proc/self/statm"),
            let boot = bootSeconds(), let names = try? DirectoryListing.names(in: "/proc/self/fd")
        else { return nil }
        // The second field is the program's name in parentheses, which may hold spaces.
        let afterName = stat.split(separator: ")", omittingEmptySubsequences: false).last ?? ""
        let fields = afterName.split(separator: " ")
        let pages = statm.split(separator: " ")
        guard fields.count > 19, pages.count > 1, let user = Double(fields[11]),
            let system = Double(fields[12]),
            let threads = Int(fields[17]), let start = Double(fields[19]), let resident = Int(pages[1])
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return ProcessStatus(
            residentBytes: resident * Int(sysconf(Int32(_SC_PAGESIZE))),
            processorSeconds: (user + system) / ticks,
            startSeconds: boot + start / ticks,
            openDescriptors: names.count - 1, // without the one that lists them
            maxDescriptors: maxDescriptors(text("/proc/self/limits") ?? ""),
            threads: threads
        )
    }

    private static func maxDescriptors(_ limits: String) -> Int? {
        let name = "Max open files"
        let line = limits.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { $0.dropFirst(name.count).split(separator: " ").first }.flatMap { Int($0) }
    }

    private static func bootSeconds() -> Double? {
        let line = text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst("btime ".count)) }
    }

    /// The text of a file; nil when it cannot be read.
    private static func text(_ path: String) -> String? {
        guard let bytes = try? FileContents.read(path, maxBytes: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
