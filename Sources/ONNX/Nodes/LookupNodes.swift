internal import Engine

/// Numbers that are looked up, or put, at places.
enum LookupNodes {
    static let lowerings: [String: Node.Lowering] = [
        "Gather": gather, "GatherElements": gatherElements, "GatherND": gatherCoordinates,
        "ScatterElements": scatterElements, "Scatter": scatterElements, "ScatterND": scatterCoordinates,
    ]

    private static let gather: Node.Lowering = { (node) throws(NodeFault) in
        let (x, indices) = (try node.input(0), try node.input(1))
        let axis = try node.axis(node.integer("axis") ?? 0, rank: x.dimensions.count)
        let extent = x.dimensions[axis]
        let dimensions = x.dimensions[..<axis] + indices.dimensions + x.dimensions[(axis + 1)...]
        if let constant = indices.constant {
            var tables = x.dimensions.tables
            let table = tables[axis]
            tables[axis] = try constant.integers.map { index throws(NodeFault) in
                guard (Int64(-extent)..<Int64(extent)).contains(index) else {
                    throw .invalid("index \(index) of \(extent)")
                }
                return table[Int(index < 0 ? index + Int64(extent) : index)]
            }
            let found = try node.builder.rearranged(x, Rearrangement(tables: tables), "gather")
            return [try node.builder.reshaped(found, to: Array(dimensions))]
        }
        let extents = Extents(x.dimensions, axes: axis..<axis + 1)
        return try node.builder.general([x, indices], dimensions: [Array(dimensions)], types: [x.type]) {
            Lookup(.gather, $0, extents, indices: indices.count, shape: $1[0])
        }
    }

    private static let gatherElements: Node.Lowering = { (node) throws(NodeFault) in
        let (x, indices) = (try node.input(0), try node.input(1))
        let kind = try elements(node, x, indices)
        return try node.builder.general([x, indices], dimensions: [indices.dimensions], types: [x.type]) {
            Lookup(
                .gatherElements(axis: kind.axis, source: x.dimensions, indices: indices.dimensions),
                $0,
                Extents(x.dimensions, axes: kind.axis..<kind.axis + 1),
                indices: indices.count,
                shape: $1[0]
            )
        }
    }

    /// The axis of a lookup by elements, whose indices lie within the array along all others.
    private static func elements(
        _ node: Node,
        _ x: Known,
        _ indices: Known
    ) throws(NodeFault) -> (axis: Int, Void) {
        let axis = try node.axis(node.integer("axis") ?? 0, rank: x.dimensions.count)
        guard x.dimensions.count == indices.dimensions.count,
            x.dimensions.indices.allSatisfy({ $0 == axis || indices.dimensions[$0] <= x.dimensions[$0] })
        else { throw .invalid("indices of \(indices.dimensions) into \(x.dimensions)") }
        return (axis, ())
    }

    private static func merge(_ node: Node) throws(NodeFault) -> Lookup.Merge {
        let name = try node.string("reduction", "none")
        guard let merge = Lookup.Merge(rawValue: name) else { throw .unsupported("reduction '\(name)'") }
        return merge
    }

    private static let scatterElements: Node.Lowering = { (node) throws(NodeFault) in
        let (x, indices, updates) = (try node.input(0), try node.input(1), try node.input(2))
        let (axis, merge) = (try elements(node, x, indices).axis, try merge(node))
        guard updates.dimensions == indices.dimensions else {
            throw .invalid("updates of \(updates.dimensions) for indices of \(indices.dimensions)")
        }
        return try node.builder.general([x, indices, updates], dimensions: [x.dimensions], types: [x.type]) {
            Lookup(
                .scatterElements(axis: axis, source: x.dimensions, indices: indices.dimensions, merge),
                $0,
                Extents(x.dimensions, axes: axis..<axis + 1),
                indices: indices.count,
                shape: $1[0]
            )
        }
    }

    private static let gatherCoordinates: Node.Lowering = { (node) throws(NodeFault) in
        let (x, indices) = (try node.input(0), try node.input(1))
        let batchAxes = try node.integer("batch_dims") ?? 0
        guard let width = indices.dimensions.last, batchAxes >= 0, width > 0,
            batchAxes < indices.dimensions.count, batchAxes + width <= x.dimensions.count,
            x.dimensions.prefix(batchAxes) == indices.dimensions.prefix(batchAxes)
        else { throw .invalid("indices of \(indices.dimensions) into \(x.dimensions)") }
        let source = Array(x.dimensions[batchAxes..<batchAxes + width])
        let rest = x.dimensions[(batchAxes + width)...]
        let batch = x.dimensions[..<batchAxes].reduce(1, *)
        let dimensions = indices.dimensions.dropLast() + rest
        let kind = Lookup.Kind.gatherCoordinates(source: source, batch: batch, block: rest.reduce(1, *))
        return try node.builder.general([x, indices], dimensions: [Array(dimensions)], types: [x.type]) {
            let extents = Extents(outer: 1, count: x.count, inner: 1)
            return Lookup(kind, $0, extents, indices: indices.count / width, shape: $1[0])
        }
    }

    private static let scatterCoordinates: Node.Lowering = { (node) throws(NodeFault) in
        let (x, indices, updates) = (try node.input(0), try node.input(1), try node.input(2))
        let merge = try merge(node)
        guard let width = indices.dimensions.last, width > 0, width <= x.dimensions.count,
            updates.dimensions == indices.dimensions.dropLast() + x.dimensions[width...]
        else {
            throw .invalid("updates of \(updates.dimensions) at \(indices.dimensions) of \(x.dimensions)")
        }
        let block = x.dimensions[width...].reduce(1, *)
        let kind = Lookup.Kind.scatterCoordinates(source: Array(x.dimensions[..<width]), block: block, merge)
        return try node.builder.general([x, indices, updates], dimensions: [x.dimensions], types: [x.type]) {
            let extents = Extents(outer: 1, count: x.count, inner: 1)
            return Lookup(kind, $0, extents, indices: indices.count / width, shape: $1[0])
        }
    }
}
