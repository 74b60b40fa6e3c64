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

    /// The lane's only thread is held, so nothing of the work before its wait can have run there.
    @Test func `a work begun here runs here until it waits, and then on the lane`() throws {
        let lane = try Lane(threads: 1)
        let (held, release) = (Monitor(false), Monitor(false))
        lane.begin {
            held.signal { $0 = true }
            _ = release.wait { $0 ? true : nil }
        }
        _ = held.wait { $0 ? true : nil }
        let steps = Mutex<[Int]>([])
        let waker = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let isDone = Monitor(false)
        lane.beginHere {
            steps.withLock { $0.append(1) }
            await withCheckedContinuation { continuation in waker.withLock { $0 = continuation } }
            steps.withLock { $0.append(2) }
            isDone.signal { $0 = true }
        }
        #expect(steps.withLock(\.self) == [1])
        waker.withLock { $0.take() }?.resume()
        #expect(steps.withLock(\.self) == [1])
        release.signal { $0 = true }
        _ = isDone.wait { $0 ? true : nil }
        #expect(steps.withLock(\.self) == [1, 2])
        lane.close()
    }

    @Test func `a work begun within one begun here waits for its turn`() throws {
        let lane = try Lane(threads: 1)
        let count = Atomic(0)
        lane.beginHere { lane.beginHere { count.add(1, ordering: .relaxed) } }
        lane.wait { () async throws(Never) in }
        #expect(count.load(ordering: .relaxed) == 1)
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
