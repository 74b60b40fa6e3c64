import Engine
import Testing

/// Records an issue unless all numbers agree within `tolerance` times the largest expected one; names the worst.
func expectClose(
    _ found: [Float],
    _ expected: [Double],
    tolerance: Double,
    _ label: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard found.count == expected.count else {
        Issue.record(
            "\(label): \(found.count) numbers, expected \(expected.count)",
            sourceLocation: sourceLocation
        )
        return
    }
    let scale = max(expected.lazy.map(abs).max() ?? 0, 1e-30)
    let errors = zip(found, expected).map { abs(Double($0) - $1) }
    // A NaN is worse than any number.
    let worst = errors.indices.max {
        (errors[$0].isNaN ? .infinity : errors[$0]) < (errors[$1].isNaN ? .infinity : errors[$1])
    }
    guard let worst, !(errors[worst] <= tolerance * scale) else { return }
    Issue.record(
        """
        \(label): element \(worst) of \(found.count) is \(found[worst]), expected \(expected[worst]); \
        off by \(errors[worst] / scale) of the largest, allowed \(tolerance)
        """,
        sourceLocation: sourceLocation
    )
}

/// What a session answers for each item, by output name.
func outputs(
    of graph: Graph,
    weights: Weights,
    items: [Tensor],
    pool: WorkerPool,
    names: [String]
) throws -> [[String: [Float]]] {
    let session = Session(graph: graph, weights: weights, pool: pool)
    try session.prepare(inputShape: items[0].shape, batch: items.count)
    for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
    try #require(session.run())
    return items.indices.map { item in
        Dictionary(
            uniqueKeysWithValues: names.map { name in
                (name, session.withOutput(name, item: item) { span in span.indices.map { span[$0] } })
            }
        )
    }
}
