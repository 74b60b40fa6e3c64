import HTTP
import Testing

@Suite struct DeadlineHeapTests {
    private let start = ContinuousClock.now

    @Test func `gives entries back by time, and none before its time`() {
        var heap = DeadlineHeap()
        #expect(heap.first == nil)
        #expect(heap.popFirst(until: start + .seconds(100)) == nil)
        for seconds in [5, 1, 4, 1, 3] { heap.insert(start + .seconds(seconds), UInt64(seconds)) }
        #expect(heap.first == start + .seconds(1))
        #expect(heap.popFirst(until: start) == nil)
        var tokens: [UInt64] = []
        while let entry = heap.popFirst(until: start + .seconds(4)) { tokens.append(entry.token) }
        #expect(tokens == [1, 1, 3, 4])
        #expect(heap.first == start + .seconds(5))
    }

    @Test func `sorts as a list would, whatever comes and goes`() {
        var (heap, list) = (DeadlineHeap(), [(at: ContinuousClock.Instant, token: UInt64)]())
        var random = SplitMix(state: 7)
        for token in 0..<2000 as Range<UInt64> {
            let at = start + .milliseconds(Int(random.next() % 500))
            heap.insert(at, token)
            list.append((at, token))
            guard random.next() % 3 == 0 else { continue }
            let now = start + .milliseconds(Int(random.next() % 500))
            guard let found = heap.popFirst(until: now) else {
                #expect(!list.contains { $0.at <= now })
                continue
            }
            #expect(found.at == list.map(\.at).min())
            list.removeAll { $0.token == found.token }
        }
        var last = start
        var left: Set<UInt64> = []
        while let entry = heap.popFirst(until: start + .seconds(1)) {
            #expect(entry.at >= last)
            last = entry.at
            left.insert(entry.token)
        }
        #expect(left == Set(list.map(\.token)))
    }
}

/// Numbers that are the same in every run.
///
/// - Source: SplitMix64, Steele et al. 2014.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
