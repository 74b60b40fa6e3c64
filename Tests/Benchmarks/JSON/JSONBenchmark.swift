internal import JSON

/// How fast a core reads a tensor of a million floats out of JSON: the best of several rounds.
@main
enum JSONBenchmark {
    private static let count = 1_000_000
    private static let rounds = 20

    static func main() throws {
        var state: UInt64 = 1
        let floats = (0..<count).map { _ -> Float in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int64(bitPattern: state) >> 20) * 0x1p-42
        }
        // As Python writes what NumPy's `tolist` gives, and as somebody writes who rounds to four places.
        try measure("17 digits", floats.map { Double($0).description })
        try measure("4 places", floats.map { ((Double($0) * 10_000).rounded() / 10_000).description })
    }

    private static func measure(_ name: String, _ numbers: [String]) throws {
        let text = Array("[\(numbers.joined(separator: ", "))]".utf8)
        var best = Duration.seconds(3600)
        for _ in 0..<rounds {
            var values: [Float] = []
            values.reserveCapacity(count)
            let start = ContinuousClock.now
            var reader = JSONPullReader(text)
            try reader.tensor(into: &values, atMost: count)
            best = min(best, ContinuousClock.now - start)
        }
        let seconds = best / .seconds(1)
        let rate = Int(Double(text.count) / seconds / 1e6)
        print("\(name): \(text.count) bytes, \(rate) MB/s, \(Int(seconds * 1e9) / count) ns a number")
    }
}
