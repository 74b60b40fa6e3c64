internal import Engine

/// The tensor shapes of a recurrent network under PyTorch's names.
struct RecurrentShapes {
    private let cell: Recurrent.Cell
    private let shapes: [String: Shape]

    init(_ cell: Recurrent.Cell, _ shapes: [String: Shape]) {
        self.cell = cell
        self.shapes = shapes
    }

    /// The sizes, as far as these shapes tell them.
    ///
    /// - Throws: `ArchitectureError.weights` naming the tensor whose shape is impossible.
    func sizes(for input: SequenceInput?) throws(ArchitectureError) -> RecurrentSizes {
        let hidden = try hidden()
        let (input, features) = try self.input(input, orElse: hidden)
        return RecurrentSizes(
            input: input,
            features: features,
            hidden: hidden,
            layers: layers,
            isBidirectional: shapes.keys.contains { $0.hasPrefix("rnn.weight_") && $0.hasSuffix("_reverse") },
            hasBias: shapes.keys.contains { $0.hasPrefix("rnn.bias_") }
        )
    }

    /// The columns of the recurrent weights, or, should these be missing, the input weights' rows for each gate.
    private func hidden() throws(ArchitectureError) -> Int {
        if shapes.keys.contains(where: { $0.hasPrefix("rnn.weight_hr_") }) {
            throw failure("the weights project the hidden state ('rnn.weight_hr_l0'), which is not supported")
        }
        let gates = cell.gates
        if let (rows, columns) = try matrix("rnn.weight_hh_l0", limit: RecurrentSizes.maxHidden) {
            guard rows == gates * columns else {
                throw failure(
                    "tensor 'rnn.weight_hh_l0' is \(rows)×\(columns) but needs \(gates * columns) rows,"
                        + " \(gates) for each of its \(columns) columns" + suggestion(rows, columns)
                )
            }
            return columns
        }
        guard let (rows, columns) = try matrix("rnn.weight_ih_l0", limit: RecurrentSizes.maxHidden) else {
            throw failure(
                "the hidden size is read from tensor 'rnn.weight_hh_l0', which is missing;"
                    + " the weights have \(listing)"
            )
        }
        guard rows % gates == 0, rows / gates <= RecurrentSizes.maxHidden else {
            throw failure(
                "tensor 'rnn.weight_ih_l0' is \(rows)×\(columns) but needs \(gates) rows for each hidden unit"
            )
        }
        return rows / gates
    }

    /// One more than the largest number in the names.
    private var layers: Int {
        let numbers = shapes.keys.compactMap { name -> Int? in
            guard name.hasPrefix("rnn.weight_ih_l") else { return nil }
            let digits = name.dropFirst("rnn.weight_ih_l".count).prefix { $0.isNumber }
            return Int(digits).flatMap { $0 < RecurrentSizes.maxLayers ? $0 : nil }
        }
        return (numbers.max() ?? 0) + 1
    }

    /// What goes in, and how wide it is for the first layer: `size` when no tensor tells.
    private func input(
        _ input: SequenceInput?,
        orElse size: Int
    ) throws(ArchitectureError) -> (SequenceInput, features: Int) {
        let columns = try matrix("rnn.weight_ih_l0", limit: RecurrentSizes.maxHidden)?.columns ?? size
        if case .features(let size)? = input { return (.features(size), size) }
        let embedding = try matrix("embedding.weight", limit: RecurrentSizes.maxHidden)
        if let embedding, embedding.rows > RecurrentSizes.maxVocabulary {
            throw failure(
                "tensor 'embedding.weight' has \(embedding.rows) rows, more than \(RecurrentSizes.maxVocabulary)"
            )
        }
        guard case .tokens(let size)? = input else {
            return embedding.map { (.tokens($0.rows), $0.columns) } ?? (.features(columns), columns)
        }
        if let embedding, embedding.rows != size {
            throw failure(
                "the input has \(size) tokens but tensor 'embedding.weight' is"
                    + " \(embedding.rows)×\(embedding.columns)"
            )
        }
        return (.tokens(size), embedding?.columns ?? columns)
    }

    /// The rows and columns of a tensor; nil when there is none.
    private func matrix(
        _ name: String,
        limit: Int
    ) throws(ArchitectureError) -> (rows: Int, columns: Int)? {
        guard let shape = shapes[name] else { return nil }
        guard shape.rank == 2, shape[0] > 0, shape[1] > 0, shape[1] <= limit else {
            throw failure(
                "tensor '\(name)' is \(shape) but needs rows and columns, 1 to \(limit) of the latter"
            )
        }
        return (shape[0], shape[1])
    }

    private func suggestion(_ rows: Int, _ columns: Int) -> String {
        let other = Recurrent.Cell.allCases.first { rows == $0.gates * columns }
        return other.map { "; these are the weights of architecture '\($0.rawValue)'" } ?? ""
    }

    /// The first names in the file.
    private var listing: String {
        let names = shapes.keys.sorted()
        return names.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    private func failure(_ problem: String) -> ArchitectureError {
        .weights(architecture: cell.rawValue, problem)
    }
}
