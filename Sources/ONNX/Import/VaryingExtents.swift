internal import Engine

/// An extent that depends on the data: there is room for the most that it can be, and the rest holds nothing of meaning.
struct Varying: Equatable {
    let axis: Int
    /// How much of the axis counts.
    let count: Graph.Value
}

/// What becomes of an extent that depends on the data in the nodes that read it.
///
/// A plan has fixed shapes, so such an array has room for the most rows that there can be; a number beside it says how many
/// there are, and outputs are cut to that. Nodes that work on each row for itself keep the number; all others are refused,
/// because what lies behind the last row would take part.
enum VaryingExtents {
    /// Where the axis of an input, by its place, is in a result.
    private typealias Rule = @Sendable (Node, _ input: Int, _ axis: Int, _ result: Known) throws -> Int

    /// The results of a node with what is known of their extents.
    static func marked(_ node: Node, _ results: [Known]) throws -> [Known] {
        var sources: [(input: Int, varying: Varying)] = []
        for (index, known) in node.inputs.enumerated() {
            if let varying = known?.varying { sources.append((index, varying)) }
        }
        guard let first = sources.first?.varying else { return results }
        guard sources.allSatisfy({ $0.varying.count == first.count }) else {
            throw NodeFault.unsupported("it joins arrays whose extents depend on the data")
        }
        let count = try count(node, first)
        return try results.map { result in
            let axes = try sources.map { try axis(node, $0.input, $0.varying.axis, result) }
            guard Set(axes).count == 1, let axis = axes.first, result.dimensions.indices.contains(axis),
                case .value(var value) = result
            else { throw refusal }
            value.varying = Varying(axis: axis, count: count)
            return .value(value)
        }
    }

    private static var refusal: NodeFault {
        .unsupported("it reads an array whose extent depends on the data, and not row by row")
    }

    private static func axis(_ node: Node, _ input: Int, _ axis: Int, _ result: Known) throws -> Int {
        if ElementwiseNodes.lowerings[node.op] != nil {
            let rank = try node.input(input).dimensions.count
            return result.dimensions.count - (rank - axis)
        }
        guard let rule = rules[node.op] else { throw refusal }
        return try rule(node, input, axis, result)
    }

    private static let rules: [String: Rule] = [
        "Identity": { _, _, axis, _ in axis },
        "Dropout": { _, _, axis, _ in axis },
        "Transpose": { node, _, axis, result in
            let rank = result.dimensions.count
            let order = try node.integers("perm") ?? (0..<rank).reversed()
            guard let place = order.firstIndex(of: axis) else { throw refusal }
            return place
        },
        "Reshape": regrouped, "Flatten": regrouped, "Squeeze": regrouped, "Unsqueeze": regrouped,
        "Gather": { node, input, axis, _ in
            let data = try node.input(0).dimensions.count
            let along = try node.axis(node.integer("axis") ?? 0, rank: data)
            if input == 1 { return along + axis }
            guard along != axis else { throw refusal }
            return axis < along ? axis : axis + (try node.input(1).dimensions.count) - 1
        },
        "GatherND": { node, input, axis, _ in
            guard input == 1, axis < (try node.input(1).dimensions.count) - 1 else { throw refusal }
            return axis
        },
        "Slice": { _, _, axis, _ in axis },
        "Concat": along("axis", 1), "Split": along("axis", 0), "Softmax": along("axis", -1),
        "LogSoftmax": along("axis", -1), "TopK": along("axis", -1), "ArgMax": reduced, "ArgMin": reduced,
        "ReduceMax": reduced, "ReduceMin": reduced, "ReduceSum": reduced, "ReduceMean": reduced,
        "MatMul": { node, input, axis, result in
            let rank = try node.input(0).dimensions.count
            guard input == 0, axis == rank - 2 else { throw refusal }
            return try node.input(1).dimensions.count == 1 ? axis : result.dimensions.count - 2
        },
    ]

    /// Axes that were joined or parted beside the one that varies.
    private static let regrouped: Rule = { node, input, axis, result in
        let old = try node.input(input).dimensions
        let before = old[..<axis].reduce(1, *)
        let found = result.dimensions.indices.first { place in
            result.dimensions[place] == old[axis] && result.dimensions[..<place].reduce(1, *) == before
        }
        guard let found else { throw refusal }
        return found
    }

    /// Any axis but the one that the node works along.
    private static func along(_ name: String, _ standard: Int) -> Rule {
        { node, input, axis, _ in
            // All that are joined must have the extent that varies.
            let isJoint = node.op == "Concat" && node.inputs.contains { $0?.varying == nil }
            let rank = try node.input(input).dimensions.count
            let along = try node.axis(node.integer(name) ?? standard, rank: rank)
            guard axis != along, !isJoint, node.op != "Softmax" || node.opset >= 13 || axis < along else {
                throw refusal
            }
            return axis
        }
    }

    private static let reduced: Rule = { node, input, axis, result in
        let rank = try node.input(input).dimensions.count
        let isArgument = node.op.hasPrefix("Arg")
        let given =
            try isArgument ? [node.integer("axis") ?? 0] : node.integers("axes", orInput: 1) ?? []
        let axes = try node.axes(given, rank: rank)
        guard !axes.isEmpty, !axes.contains(axis) else { throw refusal }
        return try node.flag("keepdims", true) ? axis : axis - axes.count { $0 < axis }
    }

    /// How much counts behind a node: a slice from the front may take less.
    private static func count(_ node: Node, _ varying: Varying) throws -> Graph.Value {
        guard node.op == "Slice", let source = node.inputs.first ?? nil else { return varying.count }
        let rank = source.dimensions.count
        let starts = try node.integers("starts", orInput: 1) ?? []
        let axes = try node.axes(node.integers("axes", orInput: 3) ?? Array(starts.indices), rank: rank)
        guard let place = axes.firstIndex(of: varying.axis) else { return varying.count }
        let steps = try node.integers("steps", orInput: 4) ?? starts.map { _ in 1 }
        let ends = try node.integers("ends", orInput: 2) ?? []
        guard starts[place] == 0, steps[place] == 1, ends[place] > 0 else { throw refusal }
        guard ends[place] < source.dimensions[varying.axis] else { return varying.count }
        let whole = Known.value(RunValue(value: varying.count, dimensions: [1], type: .int64))
        let most = Known.constant(Constant([1], .int64, integers: [Int64(ends[place])]))
        let least = try node.builder.elementwise(.min, [whole, most], type: .int64)
        return try node.builder.materialized(least).value
    }
}

extension Known {
    /// An extent that depends on the data.
    var varying: Varying? { if case .value(let value) = self { value.varying } else { nil } }
}
