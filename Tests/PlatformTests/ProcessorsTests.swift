import Platform
import Testing

@Suite struct ProcessorsTests {
    struct Case: Sendable {
        let name: String
        let affinity: Int
        let files: [String: String]
        let expected: Int
    }

    static let cases: [Case] = [
        Case(name: "no control groups", affinity: 8, files: [:], expected: 8),
        Case(name: "unknown affinity", affinity: 0, files: [:], expected: 1),
        Case(
            name: "v2 without a limit",
            affinity: 8,
            files: ["/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "max 100000\n"],
            expected: 8
        ),
        Case(
            name: "v2 of one and a half CPUs",
            affinity: 8,
            files: ["/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "150000 100000\n"],
            expected: 2
        ),
        Case(
            name: "v2 limit of a parent",
            affinity: 8,
            files: [
                "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "300000 100000\n",
            ],
            expected: 3
        ),
        Case(
            name: "v2 at the root of a container",
            affinity: 4,
            files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "10000 100000\n"],
            expected: 1
        ),
        Case(
            name: "a quota above the affinity",
            affinity: 2,
            files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "900000 100000\n"],
            expected: 2
        ),
        Case(
            name: "v1 quota",
            affinity: 8,
            files: [
                "/proc/self/cgroup": "5:cpuset:/x\n4:cpu,cpuacct:/docker/1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            ],
            expected: 2
        ),
        Case(
            name: "v1 without a limit",
            affinity: 8,
            files: [
                "/proc/self/cgroup": "4:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            ],
            expected: 8
        ),
        Case(
            name: "nonsense",
            affinity: 8,
            files: ["/proc/self/cgroup": "0::/\nx\n", "/sys/fs/cgroup/cpu.max": "a b c"],
            expected: 8
        ),
    ]

    @Test(arguments: cases)
    func `respects affinity and quota`(_ row: Case) {
        #expect(Processors.available(affinity: row.affinity) { row.files[$0] } == row.expected, "\(row.name)")
    }

    @Test func `finds at least one on this machine`() {
        #expect(Processors.available >= 1)
    }

    @Test func `the processor's name is the first model name, or an Arm processor's numbers`() {
        let x86 = "processor\t: 0\nmodel name\t: Xeon: Gold 6430 \nmodel name\t: other\n"
        #expect(Processors.modelName(in: x86) == "Xeon: Gold 6430")
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n"
        #expect(Processors.modelName(in: arm) == "0x41 0x3 0xd0c")
        #expect(Processors.modelName(in: "") == "unknown")
        #expect(!Processors.modelName.isEmpty)
    }
}
