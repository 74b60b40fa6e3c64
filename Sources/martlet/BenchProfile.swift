internal import Engine
internal import Support

/// What `bench --profile` prints: the time of each operation, and how near those that multiply come to the peak.
///
/// A multiply-add is two operations; those of the definition are counted, so Winograd's algorithms may exceed the peak.
struct BenchProfile {
    /// Of each graph.
    let profiles: [Profile]

    private var lines: [Profile.Line] { profiles.flatMap(\.lines) }
    private var total: Duration { lines.reduce(.zero) { $0 + $1.duration } }
    private var peak: Double { gflops(profiles.map(\.peak).max() ?? 0) }

    /// One object for each operation; `gflops` and `percent_of_peak` where it multiplies.
    var json: JSONValue {
        .array(lines.map { .object(object($0)) })
    }

    /// What the threads can do at most, in GFLOP/s.
    var peakJSON: JSONValue { .number(peak) }

    private func object(_ line: Profile.Line) -> JSONObject {
        var object = JSONObject()
        object.append("name", .string(line.name))
        object.append("operation", .string(line.structure))
        object.append("algorithm", line.algorithm.map { .string($0) })
        object.append("ms", .number(line.duration / .milliseconds(1)))
        object.append("gflops", rate(line).map { .number($0) })
        object.append("percent_of_peak", rate(line).map { .number(100 * $0 / peak) })
        return object
    }

    var text: String {
        let rows = lines.map { line in
            [
                line.name, line.structure, line.algorithm ?? "",
                rounded(line.duration / .milliseconds(1), 3), rounded(100 * (line.duration / total), 1),
                rate(line).map { rounded($0, 0) } ?? "",
                rate(line).map { rounded(100 * $0 / peak, 0) } ?? "",
            ]
        }
        let columns = ["layer", "operation", "algorithm", "ms", "%", "GFLOP/s", "% of peak"]
        return """
            \(TextTable(columns: columns, rows: rows).text)

            peak \(rounded(peak, 0)) GFLOP/s, measured
            """
    }

    /// The speed of an operation that multiplies; nil for the rest.
    private func rate(_ line: Profile.Line) -> Double? {
        line.multiplyAdds > 0 ? gflops(Double(line.multiplyAdds) / (line.duration / .seconds(1))) : nil
    }

    /// Multiply-adds a second in thousands of millions of operations.
    private func gflops(_ multiplyAdds: Double) -> Double { 2 * multiplyAdds / 1e9 }

    private func rounded(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let number = (value * scale).rounded() / scale
        return digits == 0 ? String(Int(number)) : number.description
    }
}
