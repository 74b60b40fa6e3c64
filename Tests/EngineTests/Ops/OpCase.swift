import Engine
import Testing

/// One row of the table: an operation, the shape of its input, and the reference it must agree with.
struct OpCase: Sendable, CustomTestStringConvertible {
    typealias Expected =
        @Sendable (_ inputs: [Reference.Array], _ weights: [Reference.Array]) throws -> Reference.Array

    let op: any Op
    let input: Shape
    /// What is allowed, relative to the largest number of the reference.
    let tolerance: Double
    /// Adds what comes before the operation and returns its inputs; without it that is the graph's input.
    var prelude: @Sendable (inout Graph) throws -> [Graph.Value] = { _ in [.input] }
    /// Whether the input holds token numbers below this.
    var tokens: Int?
    let expected: Expected

    var testDescription: String { "\(type(of: op)) \(op.structure) on \(input)" }

    init(_ op: any Op, on input: Shape, tolerance: Double = 2e-6, _ expected: @escaping Expected) {
        self.op = op
        self.input = input
        self.tolerance = tolerance
        self.expected = expected
    }

    /// A graph with the operation's result as `output`, and `input0`, `input1` … for what it read.
    func graph() throws -> Graph {
        var graph = Graph(inputShape: input)
        let inputs = try prelude(&graph)
        let output = try graph.add(op, name: "op", inputs: inputs)
        graph.setOutput("output", to: output)
        for (index, value) in inputs.enumerated() { graph.setOutput("input\(index)", to: value) }
        return graph
    }

    /// An item of the batch.
    func item(_ index: Int) -> Tensor {
        let tensor = SyntheticWeights.tensor("input", [1, input.elementCount], seed: UInt64(index))
        guard let tokens else { return Tensor(shape: input, values: tensor.values) }
        return Tensor(
            shape: input,
            values: tensor.values.map { (($0 + 2) / 4 * Float(tokens)).rounded(.down) }
        )
    }
}
