package import Engine

extension ImportedNetwork {
    /// A value that goes in or comes out.
    package struct Port: Sendable, Equatable {
        package let name: String
        /// With the first one, of which a batch has as many as it has items where that is 1.
        package let dimensions: [Int]
        package let type: DataType
        /// The axis of an output of which as much counts as the data says, and the output of the graph that says how much;
        /// `dimensions` have the most that there can be.
        package var varying: (axis: Int, count: String)?

        package static func == (one: Port, other: Port) -> Bool {
            (one.name, one.dimensions, one.type) == (other.name, other.dimensions, other.type)
                && one.varying?.axis == other.varying?.axis && one.varying?.count == other.varying?.count
        }

        /// The extents and numbers of an output of which only so much of the axis that varies counts.
        package func cut(_ values: [Float], to count: Int) -> Tensor {
            guard let axis = varying?.axis else { return Tensor(shape: Shape(dimensions), values: values) }
            var (extents, tables) = (dimensions, dimensions.tables)
            extents[axis] = min(max(count, 0), extents[axis])
            tables[axis] = Array(tables[axis].prefix(extents[axis]))
            let kept = Rearrangement(tables: tables).applied(to: values, fill: 0)
            return Tensor(shape: Shape(extents), values: kept)
        }
    }

    /// An output of an item that a session has run; of one that depends on the data as much as there is.
    package func output(_ port: Port, item: Int, of session: Session) -> Tensor {
        func values(_ name: String) -> [Float] {
            session.withOutput(name, item: item) { span in span.indices.map { span[$0] } }
        }
        if port.dimensions.contains(0) { return Tensor(shape: Shape(port.dimensions), values: []) }
        guard let varying = port.varying else {
            return Tensor(shape: Shape(port.dimensions), values: values(port.name))
        }
        return port.cut(values(port.name), to: Int(values(varying.count)[0]))
    }

    /// The outputs, and behind them how much counts of those that depend on the data: what a run gives where every array has
    /// all of its room.
    package var allOutputs: [Port] {
        outputs
            + outputs.compactMap(\.varying).map { Port(name: $0.count, dimensions: [1], type: .int64) }
    }

    /// A node of the file and what runs in its place; nothing where it is a view, or was computed at load.
    package struct NodeReport: Sendable {
        package let node: String
        package let op: String
        package let operations: [String]
        /// What the graph calls these.
        package let steps: [String]

        init(_ report: GraphBuilder.Report) {
            node = report.node
            op = report.op
            operations = report.operations
            steps = report.steps
        }
    }
}
