import API
import Foundation
import Platform
import Support
import Synchronization
import Testing

struct RefusalPacerTests {
    @Test func `sends a few at once, the rest a little later, and each of them once`() throws {
        let pacer = try RefusalPacer()
        let count = 3 * RefusalPacer.rate
        let sent = Monitor([Int](repeating: 0, count: count))
        for index in 0..<count {
            let isHere = Mutex(false)
            let sender = pthread_self()
            pacer.send {
                sent.signal { $0[index] += 1 }
                // Sent at once is sent by who refuses.
                if pthread_equal(pthread_self(), sender) != 0 { isHere.withLock { $0 = true } }
            }
            let wasHere = isHere.withLock(\.self)
            if index < RefusalPacer.rate { #expect(wasHere, "refusal \(index)") }
        }
        let all = sent.wait(until: .now + .seconds(60)) { $0.allSatisfy { $0 > 0 } ? $0 : nil }
        pacer.close()
        #expect(all == [Int](repeating: 1, count: count))
    }

    @Test func `sends what waits when it ends, and at once afterwards`() throws {
        let pacer = try RefusalPacer()
        let sent = Atomic(0)
        let count = 2 * RefusalPacer.rate
        for _ in 0..<count { pacer.send { sent.add(1, ordering: .relaxed) } }
        pacer.close()
        #expect(sent.load(ordering: .relaxed) == count)
        pacer.send { sent.add(1, ordering: .relaxed) }
        #expect(sent.load(ordering: .relaxed) == count + 1)
    }

    @Test func `holds back only what says that there is too much to do`() {
        let paced: [ServingError] = [
            .overloaded(model: "m", wait: .seconds(2), limit: .seconds(1)), .memoryFull(wanted: 1, limit: 0),
            .queueFull(model: "m", waiting: 1, limit: 1, retryAfter: 1), .busy(code: "x", ""),
        ]
        #expect(paced.allSatisfy(RefusalPacer.paces))
        let others: [ServingError] = [
            .draining, .cancelled, .unknownModel("m", nearest: nil), .badRequest(""),
        ]
        #expect(!others.contains(where: RefusalPacer.paces))
    }
}
