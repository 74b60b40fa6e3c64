package import Engine

/// A network printed back as a paper's table: a row for each layer that is more than a function of single values, and the
/// subtotals of its modules.
///
/// Activations, constant factors and local response normalisations stand in the row of the layer that they follow, batch
/// norms in that of a convolution or fully connected layer before them. Sizes read height × width × channels. Parameters are those that training learns (running statistics are not), with
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

    /// A block whose branches are joined or added: an Inception module, a residual block, a dense layer.
    package struct Module: Sendable, Equatable {
        /// The prefix that the names of its layers share.
        package let module: String
        package let parameters: Int
        package let multiplyAdds: Int

        package init(module: String, parameters: Int, multiplyAdds: Int) {
            self.module = module
            self.parameters = parameters
            self.multiplyAdds = multiplyAdds
        }
    }

    /// The layers, in graph order.
    package private(set) var rows: [Row] = []

    /// The modules, in the order of their ends; layers outside of any are in none.
    package var modules: [Module] {
        moduleNames.map { name in
            let (parameters, multiplyAdds) = Self.totals(rows.filter { $0.layer.hasPrefix(name + ".") })
            return Module(module: name, parameters: parameters, multiplyAdds: multiplyAdds)
        }
    }

    private var moduleNames: [String] = []
    /// The trained arrays that have been counted: networks that are one may share some.
    private var counted: Set<String> = []

    /// The sums over all rows.
    package var totals: (parameters: Int, multiplyAdds: Int) { Self.totals(rows) }

    private static func totals(_ rows: [Row]) -> (parameters: Int, multiplyAdds: Int) {
        rows.reduce(into: (0, 0)) { totals, row in
            totals.0 += row.parameters
            totals.1 += row.multiplyAdds
        }
    }

    /// The table of a graph at its own input size.
    package init(_ graph: Graph) {
        append(graph)
    }

    /// The table of graphs that are one network, in the order in which they run.
    package init(_ graphs: [Graph]) {
        for graph in graphs { append(graph) }
    }

    private mutating func append(_ graph: Graph) {
        var rowOfNode: [Int] = []
        for node in graph.nodes {
            let inputs = node.inputs.map { input in
                switch input {
                case .input: Self.size(graph.inputShape)
                case .node(let index, _) where graph.nodes[index].shapes.count > 1:
                    Self.size(graph.shape(of: input))
                case .node(let index, _): rows[rowOfNode[index]].output
                }
            }
            let parameters = learnedParameters(of: node)
            let shapes = node.inputs.map(graph.shape(of:))
            let multiplyAdds = node.op.multiplyAdds(inputs: shapes, output: node.shape)
            if case .node(let previous, _) = node.inputs[0],
                Self.isFolded(node.op, behind: graph.nodes[previous].op)
            {
                let row = rowOfNode[previous]
                if node.op.tableRole != .view { rows[row].structure += ", " + node.op.structure }
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
                        output: node.shapes.map(Self.size).joined(separator: " + "),
                        parameters: parameters,
                        multiplyAdds: multiplyAdds
                    )
                )
            }
            if node.op.tableRole == .join { noteModule(endingAt: node.name) }
        }
    }

    private mutating func noteModule(endingAt join: String) {
        guard let dot = join.lastIndex(of: ".") else { return }
        let name = String(join[..<dot])
        if !moduleNames.contains(name) { moduleNames.append(name) }
    }

    /// Whether the operation is told in the row of the one before; none of these changes the size but `Flatten`,
    /// whose row keeps the size that it had.
    private static func isFolded(_ op: any Op, behind previous: any Op) -> Bool {
        switch op.tableRole {
        case .layer, .filters, .join: false
        case .norm: previous.tableRole == .filters
        case .function, .view: true
        }
    }

    private mutating func learnedParameters(of node: Graph.Node) -> Int {
        node.op.parameters.reduce(0) { sum, parameter in
            guard !parameter.name.hasPrefix("running_"),
                counted.insert("\(node.name).\(parameter.name)").inserted
            else { return sum }
            return sum + parameter.shape.elementCount
        }
    }

    /// Height × width × channels; other shapes as they are.
    private static func size(_ shape: Shape) -> String {
        shape.rank == 3 ? Shape([shape[1], shape[2], shape[0]]).description : shape.description
    }
}

extension LayerTable {
    /// The table for people: aligned columns, abbreviated numbers, the totals in the last row; a second table of the
    /// modules, if there are any.
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
        let layers = Self.aligned([head] + body + [foot], rightAligned: [0, 5, 6])
        guard !moduleNames.isEmpty else { return layers }
        let subtotals = modules.map {
            [$0.module, Self.abbreviated($0.parameters), Self.abbreviated($0.multiplyAdds)]
        }
        return layers + "\n\n"
            + Self.aligned([["module", "parameters", "compute"]] + subtotals, rightAligned: [1, 2])
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

    /// Lines of cells, padded to the widest of each column: numbers on their left, words on their right.
    private static func aligned(_ lines: [[String]], rightAligned: Set<Int>) -> String {
        let columns = lines.first?.indices ?? 0..<0
        let widths = columns.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { cells in
            columns.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                return rightAligned.contains(column) ? space + cells[column] : cells[column] + space
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension LayerTable: Encodable {
    private enum CodingKeys: String, CodingKey {
        case rows, modules, parameters
        case multiplyAdds = "multiply_adds"
    }

    /// Encodes the rows, the modules and the totals, with exact numbers.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rows, forKey: .rows)
        try container.encode(modules, forKey: .modules)
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

extension LayerTable.Module: Encodable {
    private enum CodingKeys: String, CodingKey {
        case module, parameters
        case multiplyAdds = "multiply_adds"
    }
}
