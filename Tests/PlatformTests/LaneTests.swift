import Platform
import Synchronization
import Testing

struct LaneTests {
    @Test func `works run on the lane's threads, each to its end`() throws {
        let lane = try Lane(threads: 2)
        let sum = Atomic(0)
        for number in 1...100 {
            let square = lane.wait { () async throws(Never) in
                sum.add(number, ordering: .relaxed)
                return number * number
            }
            #expect(square == number * number)
        }
        lane.close()
        #expect(sum.load(ordering: .relaxed) == 5050)
    }

    /// With one thread, a work that held it while it waits would never be woken by the other.
    @Test func `a work that waits gives its thread to others`() throws {
        let lane = try Lane(threads: 1)
        let waker = Mutex<CheckedContinuation<Int, Never>?>(nil)
        let result = Monitor<Int?>(nil)
        lane.begin {
            let value = await withCheckedContinuation { continuation in waker.withLock { $0 = continuation } }
            result.signal { $0 = value }
        }
        lane.begin { waker.withLock { $0.take() }?.resume(returning: 7) }
        #expect(result.wait { $0 } == 7)
        lane.close()
    }

    @Test func `an error comes back to who waits`() throws {
        struct Fault: Error, Equatable {}
        let lane = try Lane(threads: 1)
        #expect(throws: Fault.self) { try lane.wait { () async throws(Fault) -> Int in throw Fault() } }
        lane.close()
    }

    @Test func `after the end nothing begins`() throws {
        let lane = try Lane(threads: 1)
        lane.close()
        lane.begin { Issue.record("a work began after the end") }
        #expect(lane.waiting == 0)
    }
}

struct MachineMemoryTests {
    @Test func `this machine has memory`() {
        #expect((MachineMemory.available() ?? 0) > 1 << 20)
    }

    @Test func `without a word from the system nothing is known`() {
        #expect(MachineMemory.available(meminfo: "/nowhere", group: "/nowhere", root: "/nowhere") == nil)
    }
}
