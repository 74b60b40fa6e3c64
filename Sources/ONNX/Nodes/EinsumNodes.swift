internal import Engine

extension MatrixNodes {
    /// Sums of products over named axes: each pair of operands as a product of matrices, the next with what it gives.
    static let einsum: Node.Lowering = { (node) throws(NodeFault) in
        let text = try node.string("equation", "").filter { !$0.isWhitespace }
        var operands: [(known: Known, labels: [String])] = []
        let sides = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let left = (sides.first ?? "").split(separator: ",", omittingEmptySubsequences: false).map(
            String.init
        )
        guard left.count == node.inputs.count, !left.isEmpty else { throw .invalid("equation '\(text)'") }
        for (index, term) in left.enumerated() {
            let known = try node.input(index)
            operands.append((known, try labels(term, rank: known.dimensions.count)))
        }
        let result: [String]
        if sides.count == 2 {
            guard sides[1].hasPrefix(">") else { throw .invalid("equation '\(text)'") }
            let hidden =
                operands.map { $0.labels.filter { $0.hasPrefix(".") } }.max { $0.count < $1.count } ?? []
            let term = String(sides[1].dropFirst())
            let named = term.filter { $0 != "." }.count
            result = try labels(term, rank: named + (term.contains(".") ? hidden.count : 0))
        } else {
            let all = operands.flatMap(\.labels)
            let once = Set(all).filter { label in
                all.filter { $0 == label }.count == 1 && !label.hasPrefix(".")
            }
            result = Set(all.filter { $0.hasPrefix(".") }).sorted() + once.sorted()
        }
        return [try contracted(operands, result, node.builder)]
    }

    /// The names of an operand's axes; those of an ellipsis are `.n`, counted from its end.
    private static func labels(_ term: String, rank: Int) throws(NodeFault) -> [String] {
        let parts = term.split(separator: ".", omittingEmptySubsequences: true).map(String.init)
        let named = term.filter { $0 != "." }
        guard named.allSatisfy(\.isLetter), named.count <= rank else {
            throw .invalid("axes '\(term)' of \(rank)")
        }
        guard term.contains(".") else {
            guard named.count == rank else { throw .invalid("axes '\(term)' of \(rank)") }
            return named.map(String.init)
        }
        let hidden = (0..<rank - named.count).map { ".\(1000 - (rank - named.count) + $0)" }
        let before = term.hasPrefix(".") ? "" : parts.first ?? ""
        return before.map(String.init) + hidden + named.dropFirst(before.count).map(String.init)
    }

    private static func contracted(
        _ operands: [(known: Known, labels: [String])],
        _ result: [String],
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        var extents: [String: Int] = [:]
        for (known, labels) in operands {
            for (label, extent) in zip(labels, known.dimensions) {
                let found = extents[label] ?? 1
                guard found == 1 || extent == 1 || found == extent else {
                    throw .invalid("axis '\(label)' is \(found) and \(extent)")
                }
                extents[label] = max(found, extent)
            }
        }
        guard result.allSatisfy({ extents[$0] != nil }), Set(result).count == result.count else {
            throw .invalid("axes \(result) of the result")
        }
        var rest = try operands.map { operand throws(NodeFault) in try diagonal(operand, extents, builder) }[
            ...
        ]
        var (value, labels) = rest.removeFirst()
        while let next = rest.popFirst() {
            let wanted = Set(result + rest.flatMap(\.labels))
            (value, labels) = try pair((value, labels), next, wanted, extents, builder)
        }
        let summed = labels.indices.filter { !result.contains(labels[$0]) }
        value = try ReductionNodes.reduced(.sum, value, summed, keeps: false, builder)
        labels = labels.filter(result.contains)
        return try LayoutNodes.transposed(value, result.compactMap(labels.firstIndex), builder)
    }

    /// An operand in which each axis has another name, all of full extent.
    private static func diagonal(
        _ operand: (known: Known, labels: [String]),
        _ extents: [String: Int],
        _ builder: GraphBuilder
    ) throws(NodeFault) -> (known: Known, labels: [String]) {
        var labels: [String] = []
        var tables: [[Int32]] = []
        for (label, table) in zip(operand.labels, operand.known.dimensions.tables) {
            let full = table.count == 1 ? [Int32](repeating: 0, count: extents[label] ?? 1) : table
            if let known = labels.firstIndex(of: label) {
                tables[known] = zip(tables[known], full).map { $0 + $1 }
            } else {
                labels.append(label)
                tables.append(full)
            }
        }
        return (try builder.rearranged(operand.known, Rearrangement(tables: tables), "diagonal"), labels)
    }

    /// The product of two operands, summed over what nobody wants any more.
    private static func pair(
        _ a: (known: Known, labels: [String]),
        _ b: (known: Known, labels: [String]),
        _ wanted: Set<String>,
        _ extents: [String: Int],
        _ builder: GraphBuilder
    ) throws(NodeFault) -> (Known, [String]) {
        let shared = a.labels.filter(b.labels.contains)
        let batch = shared.filter(wanted.contains)
        let depth = shared.filter { !wanted.contains($0) }
        let rows = a.labels.filter { !shared.contains($0) }
        let columns = b.labels.filter { !shared.contains($0) }
        func count(_ labels: [String]) -> Int { labels.reduce(1) { $0 * (extents[$1] ?? 1) } }
        func arranged(_ operand: (known: Known, labels: [String]), _ order: [String], _ shape: [Int])
            throws(NodeFault)
            -> Known
        {
            let axes = order.compactMap(operand.labels.firstIndex)
            return try builder.reshaped(LayoutNodes.transposed(operand.known, axes, builder), to: shape)
        }
        let left = try arranged(a, batch + rows + depth, [count(batch), count(rows), count(depth)])
        let right = try arranged(b, batch + depth + columns, [count(batch), count(depth), count(columns)])
        let labels = batch + rows + columns
        let result = try product(left, right, builder)
        return (try builder.reshaped(result, to: labels.map { extents[$0] ?? 1 }), labels)
    }
}
