internal import Engine

/// The same numbers under other dimensions or in another order.
enum LayoutNodes {
    static let lowerings: [String: Node.Lowering] = [
        "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
        "Transpose": transpose, "Slice": slice, "Split": split, "Concat": concat, "Expand": expand,
        "Tile": tile, "Pad": pad, "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth,
        "Dropout": dropout, "Trilu": triangle, "ReverseSequence": reverse, "CenterCropPad": centerCropPad,
    ]

    private static let reshape: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard var target = try node.integers("shape", orInput: 1) else { throw .invalid("no shape is given") }
        let allowsZero = try node.flag("allowzero")
        for (axis, extent) in target.enumerated() where extent == 0 && !allowsZero {
            guard axis < x.dimensions.count else { throw .invalid("shape \(target) of \(x.dimensions)") }
            target[axis] = x.dimensions[axis]
        }
        let open = target.indices.filter { target[$0] == -1 }
        if open.count == 1 {
            let known = target.filter { $0 != -1 }.count(upTo: node.builder.mostNumbers) ?? 0
            guard known > 0, x.count % known == 0 else {
                throw .invalid("\(x.dimensions) does not become \(target)")
            }
            target[open[0]] = x.count / known
        }
        return [try node.builder.reshaped(x, to: target)]
    }

    private static let flatten: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let rank = x.dimensions.count
        let given = try node.integer("axis") ?? 1
        let axis = given == rank ? rank : try node.axis(given, rank: max(rank, 1))
        let (before, behind) = (x.dimensions.prefix(axis), x.dimensions.dropFirst(axis))
        return [try node.builder.reshaped(x, to: [before.reduce(1, *), behind.reduce(1, *)])]
    }

    private static let squeeze: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let rank = x.dimensions.count
        let axes =
            try node.integers("axes", orInput: 1).map { axes throws(NodeFault) in
                try node.axes(axes, rank: rank)
            } ?? x.dimensions.indices.filter { x.dimensions[$0] == 1 }
        guard axes.allSatisfy({ x.dimensions[$0] == 1 }) else {
            throw .invalid("axes \(axes) of \(x.dimensions) are not 1")
        }
        let kept = x.dimensions.indices.filter { !axes.contains($0) }.map { x.dimensions[$0] }
        return [try node.builder.reshaped(x, to: kept)]
    }

    private static let unsqueeze: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard let given = try node.integers("axes", orInput: 1) else { throw .invalid("no axes are given") }
        let rank = x.dimensions.count + given.count
        let axes = try node.axes(given, rank: rank)
        var rest = x.dimensions[...]
        let dimensions = (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
        return [try node.builder.reshaped(x, to: dimensions)]
    }

    /// An array with its axes in another order.
    static func transposed(_ x: Known, _ order: [Int], _ builder: GraphBuilder) throws(NodeFault) -> Known {
        let tables = x.dimensions.tables
        return try builder.rearranged(x, Rearrangement(tables: order.map { tables[$0] }), "transpose")
    }

    private static let transpose: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let rank = x.dimensions.count
        let order = try node.integers("perm") ?? (0..<rank).reversed()
        guard order.sorted() == Array(0..<rank) else { throw .invalid("axes in the order \(order)") }
        if let quick = try node.builder.transposition(x, order) { return [quick] }
        return [try transposed(node.builder.plain(x), order, node.builder)]
    }

    private static let slice: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let (dimensions, rank) = (x.dimensions, x.dimensions.count)
        guard let starts = try node.integers("starts", orInput: 1),
            let ends = try node.integers("ends", orInput: 2)
        else { throw .invalid("no starts or ends are given") }
        let axes = try node.axes(node.integers("axes", orInput: 3) ?? Array(starts.indices), rank: rank)
        let steps = try node.integers("steps", orInput: 4) ?? starts.map { _ in 1 }
        guard [ends.count, axes.count, steps.count].allSatisfy({ $0 == starts.count }) else {
            throw .invalid("\(starts.count) starts, \(ends.count) ends, \(axes.count) axes")
        }
        var tables = dimensions.tables
        var ranges: [Range<Int>?] = dimensions.map { 0..<$0 }
        for (index, axis) in axes.enumerated() {
            let (extent, step) = (dimensions[axis], steps[index])
            guard step != 0 else { throw .invalid("a step of 0") }
            let (low, high) = step > 0 ? (0, extent) : (-1, extent - 1)
            func place(_ position: Int) -> Int {
                min(max(position < 0 ? position + extent : position, low), high)
            }
            let (start, end) = (place(starts[index]), place(ends[index]))
            let size = max(Int(min(step.magnitude, UInt(extent))), 1) * step.signum()
            tables[axis] = stride(from: start, to: end, by: size).map { tables[axis][$0] }
            ranges[axis] = step == 1 && start < end ? start..<end : nil
        }
        let others = dimensions.indices.filter { $0 != 1 }
        if rank == 4, others.allSatisfy({ ranges[$0] == 0..<dimensions[$0] }), let range = ranges[1],
            let part = try node.builder.channels(range, of: x)
        {
            return [part]
        }
        let result = try node.builder.rearranged(x, Rearrangement(tables: tables), "slice")
        if rank == 4, steps.allSatisfy({ $0 > 0 }), axes.allSatisfy({ $0 > 1 }) {
            let starts = (2..<4).map { axis in
                axes.firstIndex(of: axis).map {
                    max(0, starts[$0] < 0 ? starts[$0] + dimensions[axis] : starts[$0])
                }
                    ?? 0
            }
            let steps = (2..<4).map { axis in axes.firstIndex(of: axis).map { steps[$0] } ?? 1 }
            node.builder.remember(slice: result, of: x, starts: starts, steps: steps)
        }
        return [result]
    }

    private static let split: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let axis = try node.axis(node.integer("axis") ?? 0, rank: x.dimensions.count)
        let extent = x.dimensions[axis]
        let sizes: [Int]
        if let given = try node.integers("split", orInput: 1) {
            sizes = given
        } else {
            let parts = try node.integer("num_outputs") ?? node.outputs.count
            guard (1...max(1, extent)).contains(parts) else { throw .invalid("\(extent) in \(parts) parts") }
            let size = (extent + parts - 1) / parts
            sizes = (0..<parts).map { max(0, min(size, extent - $0 * size)) }
        }
        guard sizes.allSatisfy({ $0 >= 0 }), sizes.count(upTo: .max) != nil,
            sizes.reduce(0, { $0.addingReportingOverflow($1).partialValue }) == extent
        else { throw .invalid("parts of \(sizes) of \(extent)") }
        if let parts = try engineSplit(x, axis, sizes, node.builder) { return parts }
        var (start, parts): (Int, [Known]) = (0, [])
        for size in sizes {
            var tables = x.dimensions.tables
            tables[axis] = Array(tables[axis][start..<start + size])
            parts.append(try node.builder.rearranged(x, Rearrangement(tables: tables), "split"))
            start += size
        }
        return parts
    }

    /// A split of a value as the engine's own, which is free between blocks of channels.
    private static func engineSplit(
        _ x: Known,
        _ axis: Int,
        _ sizes: [Int],
        _ builder: GraphBuilder
    ) throws(NodeFault) -> [Known]? {
        guard case .value(let value) = x, sizes.allSatisfy({ $0 > 0 }), x.dimensions[0] == 1, axis > 0,
            x.dimensions.count > 1
        else { return nil }
        if axis == 1, builder.isImage(value), !sizes.dropLast().allSatisfy({ $0 % 16 == 0 }) {
            var (start, parts): (Int, [Known]) = (0, [])
            for size in sizes {
                guard let part = try builder.channels(start..<start + size, of: x) else { return nil }
                parts.append(part)
                start += size
            }
            return parts
        }
        let source = try builder.view(value, as: GraphBuilder.shape(x.dimensions))
        return try zip(builder.append(Split(axis: axis - 1, sizes: sizes), [source], []), sizes).map {
            part,
            size in
            var dimensions = x.dimensions
            dimensions[axis] = size
            return .value(RunValue(value: part, dimensions: dimensions, type: value.type))
        }
    }

    private static let concat: Node.Lowering = { (node) throws(NodeFault) in
        var parts: [Known] = []
        for index in node.inputs.indices { parts.append(try node.input(index)) }
        guard let first = parts.first else { throw .invalid("nothing to join") }
        let rank = first.dimensions.count
        let axis = try node.axis(node.integer("axis") ?? 1, rank: rank)
        return [try joined(parts, axis, node.builder)]
    }

    /// Arrays joined along an axis.
    static func joined(_ all: [Known], _ axis: Int, _ builder: GraphBuilder) throws(NodeFault) -> Known {
        let first = all[0]
        var dimensions = first.dimensions
        dimensions[axis] = 0
        for part in all {
            var others = part.dimensions
            guard others.count == dimensions.count else { throw .invalid("\(others) beside \(dimensions)") }
            dimensions[axis] += others[axis]
            others[axis] = dimensions[axis]
            guard others == dimensions else {
                throw .invalid("\(part.dimensions) beside \(first.dimensions)")
            }
        }
        let parts = all.filter { $0.count > 0 }
        let outer = dimensions[..<axis].reduce(1, *)
        let counts = parts.map { $0.count / max(1, outer) }
        if parts.count == 1 { return parts[0] }
        let constants = parts.compactMap(\.constant)
        if constants.count == parts.count, first.type.isInteger || parts.isEmpty {
            guard builder.budget.take(dimensions) != nil else { throw .unsupported("too many constants") }
            let numbers = constants.map(\.integers)
            var result: [Int64] = []
            for piece in 0..<outer {
                for (part, count) in zip(numbers, counts) {
                    result += part[piece * count..<(piece + 1) * count]
                }
            }
            let type: DataType = first.type.isInteger ? first.type : .int64
            return .constant(Constant(dimensions, type, integers: result))
        }
        if dimensions.count == 4, axis == 1, dimensions[0] == 1, constants.isEmpty {
            var values: [Graph.Value] = []
            for case .value(let value) in parts {
                values.append(try builder.view(value, as: GraphBuilder.shape(value.dimensions)))
            }
            let value = try builder.append(Concat(), values, [])[0]
            return .value(RunValue(value: value, dimensions: dimensions, type: first.type))
        }
        return try builder.general(parts, dimensions: [dimensions], types: [first.type]) { operands, shapes in
            Join(operands, outer: outer, counts: counts, shape: shapes[0])
        }[0]
    }

    private static let expand: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let target = try node.constant(1, "shape").integers.map { Int($0) }
        let result = try expanded(x, try GraphBuilder.broadcast([x.dimensions, target]), node.builder)
        if result.dimensions != x.dimensions { node.builder.remember(.expanded(x), of: result) }
        return [result]
    }

    /// An array repeated along the axes where it has one number.
    static func expanded(_ x: Known, _ dimensions: [Int], _ builder: GraphBuilder) throws(NodeFault) -> Known
    {
        guard dimensions.count(upTo: builder.mostNumbers) != nil else {
            throw .unsupported("an array of \(dimensions) is too large")
        }
        let own = [Int](repeating: 1, count: dimensions.count - x.dimensions.count) + x.dimensions
        let tables = zip(own.tables, dimensions).map { table, extent in
            table.count == extent ? table : [Int32](repeating: 0, count: extent)
        }
        return try builder.rearranged(x, Rearrangement(tables: tables), "expand")
    }

    private static let tile: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let repeats = try node.constant(1, "repeats").integers.map { Int($0) }
        guard repeats.count == x.dimensions.count else { throw .invalid("\(repeats) of \(x.dimensions)") }
        var dimensions: [Int] = []
        for (extent, times) in zip(x.dimensions, repeats) {
            guard times >= 0, let product = [extent, times].count(upTo: node.builder.mostNumbers) else {
                throw .unsupported("\(x.dimensions) repeated \(repeats) times is too large")
            }
            dimensions.append(product)
        }
        guard dimensions.count(upTo: node.builder.mostNumbers) != nil else {
            throw .unsupported("an array of \(dimensions) is too large")
        }
        let tables = zip(x.dimensions.tables, dimensions).map { table, extent in
            (0..<extent).map { table[$0 % table.count] }
        }
        return [try node.builder.rearranged(x, Rearrangement(tables: tables), "tile")]
    }

    private static let dropout: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        if let training = node.optional(2), let constant = training.constant, constant.integers.first != 0,
            let ratio = node.optional(1)?.constant?.single ?? Optional(0.5), ratio != 0
        {
            throw .unsupported("it is in training mode")
        }
        guard node.wants(1) else { return [x] }
        let ones = Constant([], .bool, integers: [1])
        return [x, try expanded(.constant(ones), x.dimensions, node.builder)]
    }
}
