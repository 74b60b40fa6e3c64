import Engine
import Testing

@Suite struct MemoryPlannerTests {
    typealias Buffer = MemoryPlanner.Buffer

    @Test func `gives buffers that never live together one place`() {
        let layout = MemoryPlanner.place([
            Buffer(byteCount: 400, lifetime: 0...1), Buffer(byteCount: 400, lifetime: 2...3),
            Buffer(byteCount: 64, lifetime: 1...2),
        ])
        #expect(layout.offsets == [0, 0, 448])
        #expect(layout.total == 512)
    }

    @Test func `lays nothing out in no memory`() {
        #expect(MemoryPlanner.place([]).total == 0)
    }

    @Test func `never lets two live buffers overlap, aligns all, and wastes little`() {
        let seed: UInt64 = 77
        var random = SplitMix(state: seed)
        for round in 0..<300 {
            let buffers = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                let start = Int.random(in: 0..<40, using: &random)
                let end = start + Int.random(in: 0..<8, using: &random)
                return Buffer(byteCount: Int.random(in: 1...20_000, using: &random), lifetime: start...end)
            }
            let layout = MemoryPlanner.place(buffers)
            for (index, buffer) in buffers.enumerated() {
                #expect(layout.offsets[index] % 64 == 0)
                #expect(layout.offsets[index] + buffer.byteCount <= layout.total)
                for other in 0..<index where buffers[other].lifetime.overlaps(buffer.lifetime) {
                    let isBefore = layout.offsets[index] + buffer.byteCount <= layout.offsets[other]
                    let isBehind = layout.offsets[other] + buffers[other].byteCount <= layout.offsets[index]
                    #expect(
                        isBefore || isBehind,
                        "seed \(seed), round \(round): buffers \(other) and \(index)"
                    )
                }
            }
            let needed = (0..<48).map { step in
                buffers.filter { $0.lifetime.contains(step) }.reduce(0) { $0 + $1.byteCount }
            }
            #expect(
                layout.total <= 2 * (needed.max() ?? 0) + 64 * buffers.count,
                "seed \(seed), round \(round)"
            )
        }
    }
}
