import Engine
import Testing
import Zoo

/// Recurrent layers in every combination of cell, layers, directions and biases against `torch.nn`, on a batch of
/// sequences of different lengths; `Fixtures/make_recurrent.py` has the same cases.
struct RecurrentParityTests {
    /// Of the largest output.
    static let tolerance: Float = 1e-5
    static let lengths = [7, 1, 12, 4]
    static let features = 5

    struct Case: Sendable, CustomTestStringConvertible {
        let form: String
        let layers: Int
        let isBidirectional: Bool
        let hasBias: Bool

        var testDescription: String {
            "\(form), \(layers) layers\(isBidirectional ? ", both" : "")\(hasBias ? ", bias" : "")"
        }

        func graph() throws -> Graph {
            let cells: [String: Recurrent.Cell] = ["rnn": .rnn, "lstm": .lstm, "gru": .gru]
            let cell = try #require(form.split(separator: " ").first.flatMap { cells[String($0)] })
            let table: [Layer] = [
                .recurrent(
                    "rnn",
                    cell,
                    hidden: 19,
                    projection: form == "lstm projected" ? 7 : nil,
                    layers: layers,
                    isBidirectional: isBidirectional,
                    bias: hasBias,
                    nonlinearity: form == "rnn relu" ? .relu : .tanh
                )
            ]
            return try Lowering.graph(of: table, inputShape: [1, RecurrentParityTests.features])
        }
    }

    static let cases: [Case] = ["rnn", "rnn relu", "lstm", "lstm projected", "gru"].flatMap { form in
        (1...3).flatMap { layers in
            [false, true].flatMap { both in
                [false, true].map { bias in
                    Case(form: form, layers: layers, isBidirectional: both, hasBias: bias)
                }
            }
        }
    }

    @Test(arguments: cases)
    func `every step of every sequence is PyTorch's`(_ row: Case) throws {
        let expected = try Fixtures.recurrent().tensor(row.testDescription).values
        let graph = try row.graph()
        let session = Session(
            graph: graph,
            weights: Weights(synthetic: 7, for: graph),
            pool: WorkerPool(threads: 2)
        )
        try session.prepare(inputShape: [12, Self.features], batch: Self.lengths.count)
        for (index, steps) in Self.lengths.enumerated() {
            let item = SyntheticWeights.tensor("input", [steps, Self.features], seed: UInt64(index + 1))
            item.withSpan { session.setInput(index, to: $0) }
        }
        try #require(session.run())
        let found = Self.lengths.indices.flatMap { index in
            session.withOutput("logits", item: index) { span in span.indices.map { span[$0] } }
        }
        try #require(found.count == expected.count)
        let largest = expected.reduce(0) { max($0, abs($1)) }
        let errors = zip(found, expected).map { abs($0 - $1) / largest }
        let worst = try #require(errors.indices.max { errors[$0] < errors[$1] })
        #expect(errors[worst] <= Self.tolerance, "element \(worst): \(found[worst]), not \(expected[worst])")
    }
}
