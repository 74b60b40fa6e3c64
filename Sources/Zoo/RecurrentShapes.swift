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
        let projection = try projection()
        let hidden = try hidden(projection)
        let (input, widths) = try self.input(input, orElse: hidden)
        return RecurrentSizes(
            input: input,
            widths: widths,
            hidden: hidden,
            projection: projection,
            layers: layers,
            isBidirectional: shapes.keys.contains { $0.hasPrefix("rnn.weight_") && $0.hasSuffix("_reverse") },
            hasBias: shapes.keys.contains { $0.hasPrefix("rnn.bias_") }
        )
    }

    /// The rows of the weights that project an LSTM's output; nil when there are none.
    private func projection() throws(ArchitectureError) -> Int? {
        guard let (rows, columns) = try matrix("rnn.weight_hr_l0", limit: RecurrentSizes.maxHidden) else {
            return nil
        }
        guard cell == .lstm else {
            throw failure("tensor 'rnn.weight_hr_l0' projects the output, which only 'lstm' does")
        }
        guard rows < columns else {
            throw failure(
                "tensor 'rnn.weight_hr_l0' is \(rows)×\(columns) but a projection has fewer rows than columns"
            )
        }
        return rows
    }

    /// The columns of the recurrent weights, or, should these be missing or the output be projected, the rows of the
    /// weights for each gate.
    private func hidden(_ projection: Int?) throws(ArchitectureError) -> Int {
        let gates = cell.gates
        if let projection,
            let (rows, columns) = try matrix("rnn.weight_hh_l0", limit: RecurrentSizes.maxHidden)
        {
            guard columns == projection, rows % gates == 0, rows / gates <= RecurrentSizes.maxHidden else {
                throw failure(
                    "tensor 'rnn.weight_hh_l0' is \(rows)×\(columns) but needs \(gates) rows for each hidden unit and"
                        + " \(projection) columns, the rows of 'rnn.weight_hr_l0'"
                )
            }
            return rows / gates
        }
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
            if let prefix = WrapperPrefix.of(["rnn.weight_ih_l0"], in: shapes.keys) {
                throw failure(WrapperPrefix.advice(prefix))
            }
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

    /// What goes in, and how wide the rows of each embedding are: `size` when no tensor tells.
    private func input(
        _ input: SequenceInput?,
        orElse size: Int
    ) throws(ArchitectureError) -> (SequenceInput, widths: [Int]) {
        let columns = try matrix("rnn.weight_ih_l0", limit: RecurrentSizes.maxHidden)?.columns ?? size
        switch input {
        case .features(let size)?: return (.features(size), [])
        case .tokens(let size)?: return (.tokens(size), [try embedding(0, of: size)?.columns ?? columns])
        case .tokenColumns(let sizes)?:
            var widths: [Int] = []
            for (column, size) in sizes.enumerated() {
                widths.append(try embedding(column, of: size)?.columns ?? columns)
            }
            return (.tokenColumns(sizes), widths)
        case nil: return try embeddings() ?? (.features(columns), [])
        }
    }

    /// What the embeddings in the weights take; nil when there is none.
    private func embeddings() throws(ArchitectureError) -> (SequenceInput, widths: [Int])? {
        guard let first = try embedding(0, of: nil) else { return nil }
        var tables = [first]
        while let table = try embedding(tables.count, of: nil) { tables.append(table) }
        let input: SequenceInput = tables.count == 1 ? .tokens(first.rows) : .tokenColumns(tables.map(\.rows))
        return (input, tables.map(\.columns))
    }

    /// The table of a column of tokens, which must have `size` rows; nil when there is none.
    private func embedding(
        _ column: Int,
        of size: Int?
    ) throws(ArchitectureError) -> (rows: Int, columns: Int)? {
        let name = RecurrentSizes.embeddingName(column) + ".weight"
        guard let table = try matrix(name, limit: RecurrentSizes.maxHidden) else { return nil }
        guard table.rows <= RecurrentSizes.maxVocabulary else {
            throw failure(
                "tensor '\(name)' has \(table.rows) rows, more than \(RecurrentSizes.maxVocabulary)"
            )
        }
        if let size, table.rows != size {
            let place = column == 0 ? "" : " in column \(column)"
            throw failure(
                "the input has \(size) tokens\(place) but tensor '\(name)' is \(table.rows)×\(table.columns)"
            )
        }
        return table
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
        return other.map { "; these are the weights of '\($0.rawValue)'" } ?? ""
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
