import Foundation
import Platform
import Testing

struct ThreadTests {
    /// The address space of this process, in KiB.
    private func addressSpace() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmSize:") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    @Test func `threads that are let go leave no stacks`() throws {
        func start(_ count: Int) throws {
            for _ in 0..<count {
                let done = Monitor(false)
                _ = try Platform.Thread(name: "short") { done.signal { $0 = true } }
                _ = done.wait { $0 ? true : nil }
            }
        }
        try start(20)
        let before = try addressSpace()
        try start(400)
        // A stack is of 8 MiB: four hundred would be 3 GiB.
        #expect(try addressSpace() - before < 1 << 20)
    }
}
