import HTTP
import Platform
import Synchronization
import Testing

@Suite struct BodyChannelTests {
    @Test func `hands bytes on in order, the end last, and wakes once for each stretch`() throws {
        let wakes = Atomic(0)
        let channel = BodyChannel(writeTimeout: .seconds(60)) { wakes.add(1, ordering: .relaxed) }
        try channel.write([1, 2])
        try channel.write([3])
        let count = wakes.load(ordering: .relaxed)
        #expect(count == 1)
        channel.finish(.complete)
        let first = channel.take(2)
        #expect(first.bytes == [1, 2])
        #expect(first.end == nil)
        let second = channel.take(2)
        #expect(second.bytes == [3])
        #expect(second.end == .complete)
    }

    @Test func `holds no more than its capacity`() throws {
        let channel = BodyChannel(capacity: 10, writeTimeout: .seconds(60)) {}
        let writer = try Thread(name: "writer") { try? channel.write([UInt8](0..<100)) } // read below
        var taken: [UInt8] = []
        var largest = 0
        let isDone = eventually {
            let piece = channel.take(.max).bytes
            largest = max(largest, piece.count)
            taken += piece
            return taken.count == 100
        }
        writer.join()
        #expect(isDone)
        #expect(largest <= 10)
        #expect(taken == [UInt8](0..<100))
    }

    @Test func `gives up when there is no room in time`() throws {
        let channel = BodyChannel(capacity: 1, writeTimeout: .milliseconds(1)) {}
        try channel.write([1])
        #expect(throws: BodyChannel.Failure.timeout) { try channel.write([2]) }
    }

    @Test func `tells a writer that waits, and one that comes later, that the client has gone`() throws {
        let channel = BodyChannel(capacity: 1, writeTimeout: .seconds(60)) {}
        let failures = Mutex<[BodyChannel.Failure]>([])
        let writer = try Thread(name: "writer") {
            do throws(BodyChannel.Failure) {
                try channel.write([1, 2])
            } catch {
                failures.withLock { $0.append(error) }
            }
        }
        channel.close()
        writer.join()
        #expect(failures.withLock { $0 } == [.clientGone])
        #expect(throws: BodyChannel.Failure.clientGone) { try channel.write([2]) }
        #expect(channel.take(1).bytes.isEmpty)
    }
}
