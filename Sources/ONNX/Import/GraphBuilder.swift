internal import Engine

/// The graph that is being made of a file, and the numbers that go with it.
///
/// What depends on constants alone is computed at once, by the same operations, and becomes a constant itself.
final class GraphBuilder {
    /// What a node of the file became.
    struct Report {
        let node: String
        let op: String
        var operations: [String]
        /// What the graph calls these.
        var steps: [String] = []
    }

    private(set) var graph: Graph
    private(set) var tensors: [Tensor] = []
    var budget: Budget
    private(set) var reports: [Report] = []
    private var names: Set<String> = []
    /// The operation behind a value, for patterns.
    private(set) var origins: [Graph.Value: (op: any Op, inputs: [Graph.Value], weights: [Tensor])] = [:]
    /// What a value is of others, for patterns, and the dimensions that it had then.
    var expressions: [Graph.Value: (expression: Expression, dimensions: [Int])] = [:]
    /// Images that were brought into the order of their dimensions.
    var transposed: [Graph.Value: Graph.Value] = [:]
    /// The report that each node of the graph belongs to.
    private var owners: [Int?] = []

    /// The most numbers of one value.
    let mostNumbers: Int

    /// Where external data lies; nil where there must be none.
    let folder: String?
    /// Whether some has been read.
    var hasExternalData = false

    init(inputShape: Shape, budget: Budget, mostNumbers: Int, folder: String? = nil) {
        graph = Graph(inputShape: inputShape)
        self.budget = budget
        self.folder = folder
        self.mostNumbers = mostNumbers
    }

    /// Says which node of the file the next operations are for.
    func begin(_ node: String, _ op: String) {
        reports.append(Report(node: node, op: op, operations: []))
    }

    /// Appends an operation with its numbers.
    ///
    /// - Returns: its outputs, and the shapes that the graph gives them.
    func append(_ op: any Op, _ inputs: [Graph.Value], _ weights: [Tensor]) throws(NodeFault) -> [Graph.Value]
    {
        do throws(ShapeError) {
            let values = try graph.addAll(op, name: freeName(of: op), inputs: inputs)
            tensors += zip(op.parameters, weights).map { $1.reshaped(to: $0.shape) }
            owners.append(reports.indices.last)
            for value in values { origins[value] = (op, inputs, weights) }
            return values
        } catch {
            throw .invalid(error.description)
        }
    }

    /// The name of the node that is lowered; of a view before its operation the name of the operation's input.
    private func freeName(of op: any Op) -> String {
        let node = (reports.last?.node).map { $0.isEmpty ? "node" : $0 } ?? "input"
        let wanted = op.tableRole == .view ? "\(node).input" : node
        var name = wanted
        var number = 2
        while !names.insert(name).inserted {
            name = "\(wanted)#\(number)"
            number += 1
        }
        return name
    }

    /// What has been made, without what no output depends on.
    ///
    /// - Returns: the graph, its numbers, and what each node of the file became.
    func finished(outputs: [(name: String, value: Graph.Value)]) throws(NodeFault) -> (
        graph: Graph, tensors: [Tensor], reports: [Report]
    ) {
        var alive = Set<Int>()
        var waiting = outputs.map(\.value)
        while let value = waiting.popLast() {
            guard case .node(let index, _) = value, alive.insert(index).inserted else { continue }
            waiting += graph.nodes[index].inputs
        }
        var (kept, reports, numbers) = (Graph(inputShape: graph.inputShape), self.reports, [Tensor]())
        var places: [Int: Int] = [:]
        func moved(_ value: Graph.Value) -> Graph.Value {
            guard case .node(let index, let output) = value, let place = places[index] else { return value }
            return .node(place, output: output)
        }
        var rest = tensors[...]
        do throws(ShapeError) {
            for (index, node) in graph.nodes.enumerated() {
                let own = rest.prefix(node.op.parameters.count)
                rest = rest.dropFirst(own.count)
                guard alive.contains(index) else { continue }
                _ = try kept.addAll(node.op, name: node.name, inputs: node.inputs.map(moved))
                places[index] = kept.nodes.count - 1
                numbers += own
                if let owner = owners[index], node.op.tableRole != .view {
                    reports[owner].operations.append(node.op.structure)
                    reports[owner].steps.append(node.name)
                }
            }
        } catch {
            throw .invalid(error.description)
        }
        for (name, value) in outputs { kept.setOutput(name, to: moved(value)) }
        return (kept, numbers, reports)
    }

    /// A value under a shape of the graph's.
    func view(_ value: RunValue, as shape: Shape) throws(NodeFault) -> Graph.Value {
        let value = try plain(value)
        guard graph.shape(of: value.value) != shape else { return value.value }
        let op: any Op = shape.rank == 1 ? Flatten() : Reshape(to: shape)
        return try append(op, [value.value], [])[0]
    }

    /// Requires that an array's dimensions are possible, and that there is something in it.
    func check(_ dimensions: [Int]) throws(NodeFault) {
        guard let count = dimensions.count(upTo: mostNumbers) else {
            throw .unsupported("an array of \(dimensions) is too large")
        }
        guard count > 0 else { throw .unsupported("an array of \(dimensions) has nothing in it") }
    }

    /// Appends a general operation, or computes it where all it reads is known.
    ///
    /// - Parameters:
    ///   - operands: what it reads.
    ///   - dimensions: of its outputs.
    ///   - types: of its outputs.
    ///   - make: the operation, of its operands and the shapes of its outputs.
    /// - Returns: its outputs.
    /// - Throws: where an output is too large, or has nothing in it.
    func general(
        _ operands: [Known],
        dimensions: [[Int]],
        types: [DataType],
        _ make: (Operands, [Shape]) -> any GeneralOp
    ) throws(NodeFault) -> [Known] {
        if dimensions.allSatisfy({ $0.count(upTo: mostNumbers) == 0 }) {
            return zip(dimensions, types).map { .constant(Constant($0, $1, rounding: [])) }
        }
        for extents in dimensions { try check(extents) }
        var sources: [Operands.Source] = []
        var inputs: [Graph.Value] = []
        var weights: [Tensor] = []
        for operand in operands {
            switch operand {
            case .constant(let constant):
                let tensor = try constant.tensor()
                weights.append(tensor)
                sources.append(.trained(tensor.shape))
            case .value(let value):
                inputs.append(try plain(value).value)
                sources.append(.value(count: operand.count))
            }
        }
        let op = make(Operands(sources), dimensions.map(Self.shape))
        if inputs.isEmpty { return try computed(op, weights, dimensions, types) }
        let values = try append(op, inputs, weights)
        return values.indices.map {
            .value(RunValue(value: values[$0], dimensions: dimensions[$0], type: types[$0]))
        }
    }

    /// The shape under which the graph has an array: without a first dimension of one, the batch.
    static func shape(_ dimensions: [Int]) -> Shape {
        if dimensions.isEmpty { return [1] }
        return Shape(dimensions.count > 1 && dimensions[0] == 1 ? Array(dimensions.dropFirst()) : dimensions)
    }

    /// The outputs of an operation that reads constants alone.
    private func computed(
        _ op: any GeneralOp,
        _ weights: [Tensor],
        _ dimensions: [[Int]],
        _ types: [DataType]
    ) throws(NodeFault) -> [Known] {
        for extents in dimensions {
            guard budget.take(extents) != nil else { throw .unsupported("too many constants") }
        }
        do throws(ShapeError) {
            var graph = Graph(inputShape: [1])
            let values = try graph.addAll(op, name: "constant", inputs: [])
            for (index, value) in values.enumerated() { graph.setOutput("\(index)", to: value) }
            let session = Session(
                graph: graph,
                weights: Weights(weights, for: graph),
                pool: WorkerPool(threads: 1)
            )
            try session.prepare(inputShape: [1], batch: 1)
            session.setInput(0, to: [0].span)
            _ = session.run()
            return values.indices.map { index in
                let floats = session.withOutput("\(index)", item: 0) { span in
                    span.indices.map { span[$0] }
                }
                return .constant(Constant(dimensions[index], types[index], rounding: floats))
            }
        } catch {
            throw .invalid(error.description)
        }
    }
}

extension Constant {
    /// Floats as numbers of a type.
    init(_ dimensions: [Int], _ type: DataType, rounding floats: [Float]) {
        if type.isInteger {
            let integers = floats.map { value in
                value == value && abs(value) < 0x1p62 ? Int64(value) : 0
            }
            self.init(dimensions, type, integers: integers)
        } else {
            self.init(dimensions, type, floats: floats)
        }
    }
}

// MARK: What most nodes are made of

extension GraphBuilder {
    /// The same numbers in the same order under other dimensions.
    func reshaped(_ known: Known, to dimensions: [Int]) throws(NodeFault) -> Known {
        guard dimensions.count(upTo: mostNumbers) == known.count else {
            throw .invalid("\(known.dimensions) has not the numbers of \(dimensions)")
        }
        switch known {
        case .constant(let constant): return .constant(constant.reshaped(to: dimensions))
        case .value(let value):
            if value.isChannelsLast, isChannelsLast(dimensions, channels: value.dimensions.last) {
                return marked(known, as: dimensions)
            }
            return .value(RunValue(value: try plain(value).value, dimensions: dimensions, type: value.type))
        }
    }

    /// A rearrangement of an array, of which none is left where it leaves everything in its place.
    func rearranged(_ known: Known, _ rearrangement: Rearrangement, _ kind: String) throws(NodeFault) -> Known
    {
        let dimensions = rearrangement.dimensions
        if case .constant(let constant) = known {
            guard budget.take(dimensions) != nil else { throw .unsupported("too many constants") }
            switch constant.storage {
            case .floats(let tensor):
                let floats = rearrangement.applied(to: tensor.values, fill: rearrangement.fill)
                return .constant(Constant(dimensions, constant.type, floats: floats))
            case .integers(let integers):
                let fill = Int64(exactly: rearrangement.fill.rounded(.towardZero)) ?? 0
                let moved = rearrangement.applied(to: integers, fill: fill)
                return .constant(Constant(dimensions, constant.type, integers: moved))
            }
        }
        if dimensions.contains(0) { return .constant(Constant(dimensions, known.type, rounding: [])) }
        try check(dimensions)
        if rearrangement.isIdentity(of: known.count) { return try reshaped(known, to: dimensions) }
        return try general([known], dimensions: [dimensions], types: [known.type]) { operands, shapes in
            Rearrange(rearrangement, operands.sources[0], kind: kind, shape: shapes[0])
        }[0]
    }

    /// A value, also of what is constant.
    func materialized(_ known: Known) throws(NodeFault) -> RunValue {
        switch known {
        case .value(let value): return try plain(value)
        case .constant(let constant):
            let tensor = try constant.tensor()
            try check(constant.dimensions)
            let whole = Rearrangement(tables: [(0..<Int32(constant.count)).map { $0 }])
            let shape = Self.shape(constant.dimensions)
            let op = Rearrange(whole, .trained(tensor.shape), kind: "constant", shape: shape)
            let value = try append(op, [], [tensor])[0]
            return RunValue(value: value, dimensions: constant.dimensions, type: constant.type)
        }
    }
}

extension Rearrangement {
    /// Whether the numbers of an array so large all stay in their order.
    func isIdentity(of count: Int) -> Bool {
        guard dimensions.reduce(1, *) == count else { return false }
        var step = 1
        for table in tables.reversed() {
            for (index, term) in table.enumerated() where Int(term) != index * step { return false }
            step *= table.count
        }
        return true
    }
}
