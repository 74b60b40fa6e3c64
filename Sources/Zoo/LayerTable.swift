package import Engine

/// A graph printed back as a paper's table: a row for each layer that is more than a function of single values.
///
/// Activations, constant factors, batch norms and local response normalisations stand in the row of the layer that they
/// follow. Sizes read height × width × channels. Parameters are those that training learns (running statistics are not), with
/// biases; compute is multiplications followed by an addition for one item, without biases.
package struct LayerTable: Sendable {
    /// One layer.
    package struct Row: Sendable, Equatable {
        package let id: Int
        /// The name, which is the prefix of its tensors.
        package let layer: String
        package let input: String
        package fileprivate(set) var structure: String
        package fileprivate(set) var output: String
        package fileprivate(set) var parameters: Int
        package fileprivate(set) var multiplyAdds: Int
    }

    /// The layers, in graph order.
    package private(set) var rows: [Row] = []

    /// The sums over all rows.
    package var totals: (parameters: Int, multiplyAdds: Int) {
        rows.reduce(into: (0, 0)) { totals, row in
            totals.0 += row.parameters
            totals.1 += row.multiplyAdds
        }
    }

    /// The table of a graph at its own input size.
    package init(_ graph: Graph) {
        var rowOfNode: [Int] = []
        for node in graph.nodes {
            let inputs = node.inputs.map { input in
                switch input {
                case .input: Self.size(graph.inputShape)
                case .node(let index): rows[rowOfNode[index]].output
                }
            }
            let parameters = Self.learnedParameters(of: node.op)
            let shapes = node.inputs.map(graph.shape(of:))
            let multiplyAdds = node.op.multiplyAdds(inputs: shapes, output: node.shape)
            if case .node(let previous) = node.inputs[0], Self.isFolded(node.op) {
                let row = rowOfNode[previous]
                if !(node.op is Flatten) { rows[row].structure += ", " + node.op.structure }
                rows[row].parameters += parameters
                rows[row].multiplyAdds += multiplyAdds
                rowOfNode.append(row)
            } else {
                rowOfNode.append(rows.count)
                rows.append(
                    Row(
                        id: rows.count + 1,
                        layer: node.name,
                        input: inputs.joined(separator: " + "),
                        structure: node.op.structure,
                        output: Self.size(node.shape),
                        parameters: parameters,
                        multiplyAdds: multiplyAdds
                    )
                )
            }
        }
    }

    /// Whether the operation is told in the row of the one before; none of these changes the size but `Flatten`,
    /// whose row keeps the size that it had.
    private static func isFolded(_ op: any Op) -> Bool {
        op is Activation || op is BatchNorm || op is LocalResponseNorm || op is ChannelScale
            || op is Flatten
    }

    private static func learnedParameters(of op: any Op) -> Int {
        op.parameters.filter { !$0.name.hasPrefix("running_") }.reduce(0) { $0 + $1.shape.elementCount }
    }

    /// Height × width × channels; other shapes as they are.
    private static func size(_ shape: Shape) -> String {
        shape.rank == 3 ? Shape([shape[1], shape[2], shape[0]]).description : shape.description
    }
}

extension LayerTable {
    /// The table for people: aligned columns, abbreviated numbers, the totals in the last row.
    package var text: String {
        let head = ["id", "layer", "input", "structure", "output", "parameters", "compute"]
        let body = rows.map { row in
            [
                "\(row.id)", row.layer, row.input, row.structure, row.output,
                Self.abbreviated(row.parameters), Self.abbreviated(row.multiplyAdds),
            ]
        }
        let (parameters, multiplyAdds) = totals
        let foot = ["", "total", "", "", "", Self.abbreviated(parameters), Self.abbreviated(multiplyAdds)]
        let lines = [head] + body + [foot]
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { Self.aligned($0, widths) }.joined(separator: "\n")
    }

    /// A number as such tables print it: up to 999 as it is, thousands rounded to the nearest `K`, and from a million
    /// on whole millions, the rest cut off: 34 944 is `35K`, 149 520 384 is `149M`.
    package static func abbreviated(_ number: Int) -> String {
        switch number {
        case ..<1000: "\(number)"
        case ..<1_000_000: "\((number + 500) / 1000)K"
        default: "\(number / 1_000_000)M"
        }
    }

    /// Numbers stand at the right of their columns, words at the left.
    private static func aligned(_ cells: [String], _ widths: [Int]) -> String {
        zip(cells, widths).enumerated().map { column, cell in
            let space = String(repeating: " ", count: cell.1 - cell.0.count)
            return column == 0 || column >= 5 ? space + cell.0 : cell.0 + space
        }.joined(separator: "  ")
    }
}

extension LayerTable: Encodable {
    private enum CodingKeys: String, CodingKey {
        case rows, parameters
        case multiplyAdds = "multiply_adds"
    }

    /// Encodes the rows and the totals, with exact numbers.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rows, forKey: .rows)
        try container.encode(totals.parameters, forKey: .parameters)
        try container.encode(totals.multiplyAdds, forKey: .multiplyAdds)
    }
}

extension LayerTable.Row: Encodable {
    private enum CodingKeys: String, CodingKey {
        case id, layer, input, structure, output, parameters
        case multiplyAdds = "multiply_adds"
    }
}
