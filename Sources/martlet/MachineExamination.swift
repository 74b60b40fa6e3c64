internal import Engine
internal import FoundationEssentials
internal import Platform

/// What `doctor` says of the processor, the memory and the limits of this process.
///
/// Files are read by a function, so that a test can say what stands in them.
struct MachineExamination {
    /// The text of a file; nil when it cannot be read.
    let contents: (String) -> String?

    /// Instructions that kernels use, by the kernel's names of them.
    private static let features = ["avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]
    /// Less than this does not hold a network of the usual size with its activations.
    private static let littleMemory = 1 << 30
    private static let fewFiles = 4096

    init(
        contents: @escaping (String) -> String? = { path in
            (try? FileContents.read(path, maxBytes: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
        }
    ) {
        self.contents = contents
    }

    var findings: [Finding] {
        [processor, kernels, blas, cores, throttling, governor, memory, memoryLeft, files, clock].compactMap(
            \.self
        )
    }

    private var processor: Finding {
        let flags = Set(
            (contents("/proc/cpuinfo") ?? "").split(separator: "\n").first { $0.hasPrefix("flags") }?
                .split(separator: " ").map(String.init) ?? []
        )
        let found = Self.features.filter(flags.contains)
        let name = Processors.modelName
        return Finding("processor", found.isEmpty ? name : "\(name): \(found.joined(separator: " "))")
    }

    private var kernels: Finding {
        let isa = InstructionSet.current
        guard let wish = ProcessInfo.processInfo.environment["MARTLET_ISA"], !wish.isEmpty else {
            guard isa == "portable" else { return Finding("kernels", isa) }
            return Finding(
                .improvable,
                "kernels",
                "portable: the processor has no AVX2 and FMA, or the machine hides them",
                advice: "on a virtual machine let the guest see the host's processor"
            )
        }
        let advice =
            wish == isa
            ? "unset MARTLET_ISA to have the best that the processor has"
            : "it is none that the processor has; unset MARTLET_ISA"
        return Finding(.improvable, "kernels", "\(isa), for MARTLET_ISA is '\(wish)'", advice: advice)
    }

    private var blas: Finding {
        guard let problem = OpenBLAS.problem else { return Finding("OpenBLAS", "found") }
        return Finding(.wrong, "OpenBLAS", problem, advice: OpenBLAS.remedy)
    }

    private var cores: Finding {
        let all = (contents("/proc/cpuinfo") ?? "").split(separator: "\n").count { $0.hasPrefix("processor") }
        let available = Processors.available
        guard available < all else { return Finding("CPUs", "\(available)") }
        return Finding("CPUs", "\(available) of \(all), by the affinity or a control group's quota")
    }

    /// A group that has used up its quota stands still until the period is over, which shows in the slowest answers.
    private var throttling: Finding? {
        for line in (contents("/proc/self/cgroup") ?? "").split(separator: "\n") {
            guard let path = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last,
                let text = contents("/sys/fs/cgroup\(path == "/" ? "" : path)/cpu.stat")
            else { continue }
            let fields = text.split(separator: "\n").map { $0.split(separator: " ") }
            func number(_ name: String) -> Int {
                fields.first { $0.first == name[...] }.flatMap { $0.last.flatMap { Int($0) } } ?? 0
            }
            let (periods, throttled) = (number("nr_periods"), number("nr_throttled"))
            guard periods > 0, throttled * 100 > periods else { continue }
            return Finding(
                .improvable,
                "CPU quota",
                "used up in \(throttled) of \(periods) periods",
                advice: "raise the control group's cpu.max, or give fewer --threads"
            )
        }
        return nil
    }

    private var governor: Finding? {
        let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
        guard let text = contents(path), text.hasPrefix("powersave") else { return nil }
        // Intel's own driver calls by that name what the others call ondemand.
        guard
            contents("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver")?.hasPrefix("intel_pstate") != true
        else { return nil }
        return Finding(
            .improvable,
            "frequency",
            "the governor is powersave",
            advice: "cpupower frequency-set -g performance"
        )
    }

    private var memory: Finding {
        guard let available = MachineMemory.available() else { return Finding("memory", "unknown") }
        let total = Self.kibibytes("MemTotal", in: contents("/proc/meminfo") ?? "").map { $0 * 1024 }
        let limit =
            total.map { available < $0 ? " of \(Self.bytes($0)), by a control group's limit" : "" } ?? ""
        let found = Self.bytes(available) + limit
        guard available < Self.littleMemory else { return Finding("memory", found) }
        return Finding(
            .improvable,
            "memory",
            found,
            advice: "networks of the usual size need 1 GiB; raise memory.max, or serve small models alone"
        )
    }

    private var memoryLeft: Finding? {
        let text = contents("/proc/meminfo") ?? ""
        guard let free = Self.kibibytes("MemAvailable", in: text), free < 256 << 10 else { return nil }
        return Finding(
            .wrong,
            "memory left",
            Self.bytes(free * 1024),
            advice: "end what takes the rest: ps -eo rss,comm --sort=-rss | head"
        )
    }

    private var files: Finding {
        let limit = DescriptorLimit.current
        let found = "\(limit.soft), may be raised to \(limit.hard)"
        guard limit.hard < Self.fewFiles else { return Finding("open files", found) }
        return Finding(
            .improvable,
            "open files",
            found,
            advice: "each connection is one: raise the hard limit (LimitNOFILE= of the unit, ulimit -Hn)"
        )
    }

    private var clock: Finding {
        // The first release was later.
        guard WallClock.seconds > 1_735_689_600 else {
            return Finding(
                .wrong,
                "clock",
                "it is before 2025",
                advice: "set it (timedatectl set-ntp true): logs and the tokens of others depend on it"
            )
        }
        guard WallClock.isSynchronized == false else { return Finding("clock", "set") }
        return Finding(
            .improvable,
            "clock",
            "nothing keeps it right, as far as the kernel knows",
            advice: "timedatectl set-ntp true; in a container or a virtual machine the host may do it"
        )
    }

    static func bytes(_ count: Int) -> String { ProgressLine.amount(Double(count), .bytes) }

    private static func kibibytes(_ name: String, in text: String) -> Int? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}
