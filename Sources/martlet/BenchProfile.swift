internal import Engine
internal import Serving

/// What `bench --profile` prints: the time of each operation, and how near its convolutions come to the peak.
struct BenchProfile {
    let profile: Profile

    private var total: Duration { profile.lines.reduce(.zero) { $0 + $1.duration } }

    var json: JSONValue {
        .array(profile.lines.map { .object(object($0)) })
    }

    private func object(_ line: Profile.Line) -> JSONObject {
        var object = JSONObject()
        object.append("name", .string(line.name))
        object.append("operation", .string(line.structure))
        object.append("algorithm", line.algorithm.map { .string($0) })
        object.append("ms", .number(line.duration / .milliseconds(1)))
        object.append("gflops", .number(gflops(line)))
        return object
    }

    var text: String {
        let rows = profile.lines.map { line in
            [
                line.name, line.structure, line.algorithm ?? "",
                rounded(line.duration / .milliseconds(1), 3), rounded(100 * (line.duration / total), 1),
                line.multiplyAdds > 0 ? rounded(gflops(line), 0) : "",
            ]
        }
        return TextTable(columns: ["layer", "operation", "algorithm", "ms", "%", "GFLOP/s"], rows: rows).text
    }

    /// Of the operation's definition, a multiply-add being two, in thousands of millions a second.
    private func gflops(_ line: Profile.Line) -> Double {
        2 * Double(line.multiplyAdds) / (line.duration / .seconds(1)) / 1e9
    }

    private func rounded(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let number = (value * scale).rounded() / scale
        return digits == 0 ? String(Int(number)) : number.description
    }
}
