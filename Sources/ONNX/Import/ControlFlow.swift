internal import Engine

/// Nodes that hold graphs: `If`, `Loop` and `Scan`.
///
/// A plan has no branches and no jumps. Where a condition is known its branch is lowered, else both are, and the condition
/// chooses between their results. Loops are unrolled, so how often they run must be known.
extension Importer {
    /// How often a loop may run.
    static let maxTrips = 4096

    /// Lowers a node that holds graphs.
    mutating func control(_ node: NodeProto, _ inputs: [Known?]) throws(ONNXError) {
        builder.begin(prefix + node.title, node.op)
        do throws(NodeFault) {
            switch node.op {
            case "If": try branch(node, inputs)
            case "Loop": try loop(node, inputs)
            default: try scan(node, inputs)
            }
        } catch {
            try fail(node, error.sentence)
        }
    }

    /// The graph in an attribute, with at least so many outputs.
    private func graph(_ name: String, of node: NodeProto, outputs: Int) throws(NodeFault) -> GraphProto {
        guard case .graph(let graph)? = node.attributes[name], graph.outputs.count >= outputs else {
            throw .invalid("attribute '\(name)' is no graph with its outputs")
        }
        return graph
    }

    /// Walks through a graph within this one, some of whose names are defined; what cannot be made is nil.
    private mutating func walk(
        _ graph: GraphProto,
        _ place: String,
        _ defined: [(name: String, known: Known)]
    ) throws(NodeFault) -> [Known?] {
        do throws(ONNXError) {
            guard depth < Self.maxDepth else { throw .malformed("graphs lie too deep in graphs") }
            var inner = child(opset, place)
            inner.inherit(self)
            for (name, known) in defined { inner.define(name, known) }
            try inner.run(graph)
            return try take(inner, graph.outputs.map(\.name))
        } catch {
            throw .invalid(error.description)
        }
    }

    // MARK: If

    private mutating func branch(_ node: NodeProto, _ inputs: [Known?]) throws(NodeFault) {
        guard let condition = inputs.first ?? nil, condition.count == 1 else {
            throw .invalid("its condition is not one truth value")
        }
        let count = node.outputs.count
        if let known = condition.constant {
            let name = known.integers[0] != 0 ? "then_branch" : "else_branch"
            let results = try walk(graph(name, of: node, outputs: count), node.title, [])
            return finish(node, optional: results)
        }
        let (yes, no) = (
            try graph("then_branch", of: node, outputs: count),
            try graph("else_branch", of: node, outputs: count)
        )
        let before = problems.count
        let first = try walk(yes, "\(node.title)/then", [])
        let second = try walk(no, "\(node.title)/else", [])
        guard problems.count == before else { return finish(node, optional: node.outputs.map { _ in nil }) }
        builder.begin(prefix + node.title, node.op)
        let chooser = try builder.reshaped(condition, to: [])
        var results: [Known?] = []
        for (one, other) in zip(first, second).prefix(count) {
            guard let one, let other else {
                results.append(nil)
                continue
            }
            guard one.dimensions == other.dimensions, one.varying == nil, other.varying == nil else {
                let shapes = "\(one.dimensions) and \(other.dimensions)"
                throw .unsupported("its condition depends on the data, and its branches give \(shapes)")
            }
            results.append(try builder.elementwise(.where, [chooser, one, other], type: one.type))
        }
        finish(node, optional: results)
    }

    // MARK: Loops

    /// Whether a loop goes on; absent is true.
    private func goesOn(_ condition: Known?) throws(NodeFault) -> Bool {
        guard let condition else { return true }
        guard let constant = condition.constant, constant.count == 1 else {
            throw .unsupported("whether it goes on depends on the data")
        }
        return constant.integers[0] != 0
    }

    private mutating func loop(_ node: NodeProto, _ inputs: [Known?]) throws(NodeFault) {
        let body = try graph("body", of: node, outputs: node.outputs.count + 1)
        var trips = Self.maxTrips + 1
        if let given = inputs.first ?? nil {
            guard let constant = given.constant, constant.count == 1 else {
                throw .unsupported("how often it runs depends on the data")
            }
            trips = Int(clamping: constant.integers[0])
        }
        var condition = inputs.count > 1 ? inputs[1] : nil
        var states: [Known] = []
        for state in inputs.dropFirst(2) {
            guard let state else { throw .invalid("a state is missing") }
            states.append(state)
        }
        guard body.inputs.count == states.count + 2 else {
            throw .invalid("its body has \(body.inputs.count) inputs for \(states.count) states")
        }
        var rows = [[Known]](repeating: [], count: body.outputs.count - 1 - states.count)
        var trip = 0
        while trip < trips, try goesOn(condition) {
            guard trip < Self.maxTrips else { throw .unsupported("it runs more than \(Self.maxTrips) times") }
            let number = Known.constant(Constant([], .int64, integers: [Int64(trip)]))
            let going = condition ?? .constant(Constant([], .bool, integers: [1]))
            let defined = zip(body.inputs.map(\.name), [number, going] + states).map { ($0, $1) }
            guard let results = try made(walk(body, "\(node.title)/\(trip)", defined)) else {
                return finish(node, optional: node.outputs.map { _ in nil })
            }
            condition = results[0]
            states = Array(results[1..<1 + states.count])
            for (index, row) in results[(1 + states.count)...].enumerated() { rows[index].append(row) }
            trip += 1
        }
        builder.begin(prefix + node.title, node.op)
        finish(node, optional: try states + rows.map { list throws(NodeFault) in try stacked(list, 0) })
    }

    /// All results of a walk; nil where one could not be made.
    private func made(_ results: [Known?]) -> [Known]? {
        let known = results.compactMap { $0 }
        return known.count == results.count ? known : nil
    }

    /// What each trip gave, along a new axis.
    private func stacked(_ rows: [Known], _ axis: Int) throws(NodeFault) -> Known {
        guard let first = rows.first else {
            throw .unsupported("it runs not once, so its outputs are nothing")
        }
        let axis = axis < 0 ? axis + first.dimensions.count + 1 : axis
        guard (0...first.dimensions.count).contains(axis) else { throw .invalid("axis \(axis)") }
        var dimensions = first.dimensions
        dimensions.insert(1, at: axis)
        let wide = try rows.map { row throws(NodeFault) in try builder.reshaped(row, to: dimensions) }
        return try LayoutNodes.joined(wide, axis, builder)
    }

    private mutating func scan(_ node: NodeProto, _ inputs: [Known?]) throws(NodeFault) {
        guard opset >= 9 else { throw .unsupported("Scan before version 9 of the operators") }
        let body = try graph("body", of: node, outputs: node.outputs.count)
        guard case .int(let count)? = node.attributes["num_scan_inputs"], let given = made(inputs),
            count > 0, given.count >= count, body.inputs.count == given.count
        else { throw .invalid("its inputs are not those of its body") }
        var states = Array(given.dropLast(Int(count)))
        let sequences = Array(given.suffix(Int(count)))
        func list(_ name: String) -> [Int] {
            if case .ints(let list)? = node.attributes[name] { list.map { Int(clamping: $0) } } else { [] }
        }
        let axes = try zip(sequences, list("scan_input_axes") + sequences.map { _ in 0 }).map {
            (sequence, axis) throws(NodeFault) in
            let rank = sequence.dimensions.count
            guard -rank <= axis, axis < rank else { throw NodeFault.invalid("axis \(axis) of \(rank)") }
            return axis < 0 ? axis + rank : axis
        }
        let reversed = list("scan_input_directions") + sequences.map { _ in 0 }
        let trips = sequences[0].dimensions[axes[0]]
        guard zip(sequences, axes).allSatisfy({ $0.dimensions[$1] == trips }), trips <= Self.maxTrips else {
            throw .unsupported("\(trips) steps")
        }
        var rows = [[Known]](repeating: [], count: body.outputs.count - states.count)
        for trip in 0..<trips {
            builder.begin(prefix + node.title, node.op)
            var parts: [Known] = []
            for (index, sequence) in sequences.enumerated() {
                var tables = sequence.dimensions.tables
                let place = reversed[index] == 1 ? trips - 1 - trip : trip
                tables[axes[index]] = [tables[axes[index]][place]]
                let part = try builder.rearranged(sequence, Rearrangement(tables: tables), "step")
                var dimensions = sequence.dimensions
                dimensions.remove(at: axes[index])
                parts.append(try builder.reshaped(part, to: dimensions))
            }
            let defined = zip(body.inputs.map(\.name), states + parts).map { ($0, $1) }
            guard let results = try made(walk(body, "\(node.title)/\(trip)", defined)) else {
                return finish(node, optional: node.outputs.map { _ in nil })
            }
            states = Array(results[..<states.count])
            for (index, row) in results[states.count...].enumerated() { rows[index].append(row) }
        }
        let backwards = list("scan_output_directions") + rows.map { _ in 0 }
        let places = list("scan_output_axes") + rows.map { _ in 0 }
        builder.begin(prefix + node.title, node.op)
        var outputs: [Known?] = states
        for (index, list) in rows.enumerated() {
            outputs.append(try stacked(backwards[index] == 1 ? list.reversed() : list, places[index]))
        }
        finish(node, optional: outputs)
    }
}
