internal import CLinux
import Glibc

/// How many CPUs this process may use.
package enum Processors {
    /// The CPUs of the affinity mask, or fewer when a control group's quota allows less time than that; at least 1.
    package static var available: Int {
        available(affinity: Int(linux_affinity_count()), contents: fileContents)
    }

    /// What the processor calls itself, such as `AMD EPYC 9354 32-Core Processor`; `unknown` when it does not say.
    ///
    /// - Source: the first `model name` of `/proc/cpuinfo`; Arm's processors have numbers instead.
    package static var modelName: String { modelName(in: fileContents("/proc/cpuinfo") ?? "") }

    /// The rule behind `modelName`, over the text of `/proc/cpuinfo`.
    package static func modelName(in text: String) -> String {
        let fields = text.split(separator: "\n").compactMap { line -> (name: String, value: String)? in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return (trimmed(parts[0]), trimmed(parts[1]))
        }
        if let name = fields.first(where: { $0.name == "model name" })?.value { return name }
        let arm = ["CPU implementer", "CPU variant", "CPU part"].compactMap { wanted in
            fields.first { $0.name == wanted }?.value
        }
        return arm.isEmpty ? "unknown" : arm.joined(separator: " ")
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// The rule behind `available`, over given files.
    ///
    /// - Parameters:
    ///   - affinity: how many CPUs the scheduler may use, 0 when unknown.
    ///   - contents: the text of a file, or nil when it is not there.
    /// - Returns: at least 1.
    /// - Source: the kernel's cgroup-v2 documentation, `cpu.max` ("$MAX $PERIOD", microseconds); cgroup-v1
    ///   `cpu.cfs_quota_us`, `cpu.cfs_period_us`. A parent's limit holds for its children, so all are read.
    package static func available(affinity: Int, contents: (String) -> String?) -> Int {
        var count = affinity > 0 ? affinity : 1
        for line in (contents("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for folder in ancestors(of: parts[2]) {
                let quota =
                    parts[1].isEmpty
                    ? quotaV2(folder, contents)
                    : parts[1].split(separator: ",").contains("cpu") ? quotaV1(folder, contents) : nil
                // 1.5 CPUs of time are best used by 2 threads.
                if let quota { count = min(count, max(1, Int(quota.rounded(.up)))) }
            }
        }
        return count
    }

    /// `/a/b` gives `/a/b`, `/a` and the empty root.
    private static func ancestors(of path: Substring) -> [String] {
        var folders = [""]
        for name in path.split(separator: "/") { folders.append("\(folders[folders.count - 1])/\(name)") }
        return folders.reversed()
    }

    private static func quotaV2(_ folder: String, _ contents: (String) -> String?) -> Double? {
        guard let text = contents("/sys/fs/cgroup\(folder)/cpu.max") else { return nil }
        let numbers = text.split(whereSeparator: \.isWhitespace)
        guard numbers.count == 2 else { return nil }
        return ratio(numbers[0], numbers[1]) // "max" is no number: no limit
    }

    private static func quotaV1(_ folder: String, _ contents: (String) -> String?) -> Double? {
        let base = "/sys/fs/cgroup/cpu\(folder)"
        guard let quota = contents("\(base)/cpu.cfs_quota_us"),
            let period = contents("\(base)/cpu.cfs_period_us")
        else { return nil }
        return ratio(quota.prefix { !$0.isWhitespace }, period.prefix { !$0.isWhitespace }) // -1: no limit
    }

    private static func ratio(_ quota: Substring, _ period: Substring) -> Double? {
        guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0 else {
            return nil
        }
        return min(quota / period, 1_000_000)
    }

    /// The first 4 KiB of a file; the kernel's have no length to map.
    private static func fileContents(_ path: String) -> String? {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let descriptor = Descriptor(owning: number)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(descriptor.number, &bytes, bytes.count)
        return count >= 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

extension WallClock {
    /// Whether something keeps it right; nil when the system does not say.
    ///
    /// - Source: adjtimex(2), `STA_UNSYNC`.
    package static var isSynchronized: Bool? {
        let answer = linux_clock_is_synchronized()
        return answer < 0 ? nil : answer == 1
    }
}
