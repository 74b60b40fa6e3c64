import HTTP
import Synchronization
import Testing

@Suite struct BodyChannelTests {
    @Test func `hands bytes on in order, the end last, and wakes once for each stretch`() async throws {
        let wakes = Atomic(0)
        let channel = BodyChannel() { wakes.add(1, ordering: .relaxed) }
        try await channel.write([1, 2])
        try await channel.write([3])
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

    @Test func `holds no more than its capacity, while the writer is suspended`() async throws {
        let channel = BodyChannel(capacity: 10) {}
        let writer = Task(executorPreference: threads) { try await channel.write([UInt8](0..<100)) }
        var taken: [UInt8] = []
        var largest = 0
        let isDone = eventually {
            let piece = channel.take(.max).bytes
            largest = max(largest, piece.count)
            taken += piece
            return taken.count == 100
        }
        try await writer.value
        #expect(isDone)
        #expect(largest <= 10)
        #expect(taken == [UInt8](0..<100))
    }

    @Test(arguments: [BodyChannel.Failure.clientGone, .timeout])
    func `tells a writer that waits, and one that comes later, why nobody reads`(
        failure: BodyChannel.Failure
    ) async throws {
        let channel = BodyChannel(capacity: 1) {}
        let writer = Task(executorPreference: threads) { try await channel.write([1, 2]) }
        channel.close(failure)
        await #expect(throws: failure) { try await writer.value }
        await #expect(throws: failure) { try await channel.write([2]) }
        #expect(channel.take(1).bytes.isEmpty)
    }
}
