import Foundation
import Platform
import Testing

@Suite struct MachineMemoryTests {
    struct Case: Sendable {
        let name: String
        /// `/proc/self/cgroup`.
        let groups: String
        /// Files below the root of the control groups.
        let files: [String: String]
        let expected: Int
    }

    static let machine = 8 << 30

    static let cases: [Case] = [
        Case(name: "no control groups", groups: "", files: [:], expected: machine),
        Case(
            name: "v2 without a limit",
            groups: "0::/a\n",
            files: ["a/memory.max": "max\n"],
            expected: machine
        ),
        Case(
            name: "v2 with a limit",
            groups: "0::/a\n",
            files: ["a/memory.max": "536870912\n"],
            expected: 512 << 20
        ),
        Case(
            name: "v2 limit of a parent",
            groups: "0::/a/b/c\n",
            files: ["a/b/c/memory.max": "max\n", "a/b/memory.max": "4000\n", "a/memory.max": "5000\n"],
            expected: 4000
        ),
        Case(
            name: "v2 at the root of a container",
            groups: "0::/\n",
            files: ["memory.max": "7000\n"],
            expected: 7000
        ),
        Case(
            name: "v1",
            groups: "9:name=systemd:/\n4:memory:/a/b\n1:cpu:/c\n",
            files: [
                "memory/a/b/memory.limit_in_bytes": "6000\n", "memory/a/memory.limit_in_bytes": "9000\n",
                "a/b/memory.max": "1\n",
            ],
            expected: 6000
        ),
        Case(
            name: "v1 without a limit",
            groups: "4:cpuset,memory:/a\n",
            files: ["memory/a/memory.limit_in_bytes": "9223372036854771712\n"],
            expected: machine
        ),
        Case(
            name: "more than the machine",
            groups: "0::/a\n",
            files: ["a/memory.max": "99999999999\n"],
            expected: machine
        ),
        Case(
            name: "nonsense",
            groups: "0:/a\nx\n0::/a\n",
            files: ["a/memory.max": "much\n"],
            expected: machine
        ),
    ]

    @Test(arguments: cases)
    func `takes the least of machine and control groups`(row: Case) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "memory-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
        func write(_ text: String, _ name: String) throws -> String {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: file)
            return file.path
        }
        let meminfo = try write("MemTotal:       \(Self.machine / 1024) kB\nMemFree: 1 kB\n", "meminfo")
        let groups = try write(row.groups, "groups")
        for (name, text) in row.files { _ = try write(text, "root/\(name)") }
        let found = MachineMemory.available(meminfo: meminfo, group: groups, root: folder.path + "/root")
        #expect(found == row.expected, "\(row.name)")
    }

    @Test func `says nothing when nobody does`() {
        #expect(MachineMemory.available(meminfo: "/none", group: "/none", root: "/none") == nil)
    }

    @Test func `this machine has memory`() {
        #expect((MachineMemory.available() ?? 0) > 1 << 20)
    }
}
