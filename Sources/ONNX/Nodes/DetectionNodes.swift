internal import Engine

/// What detectors end with, and images at any places.
enum DetectionNodes {
    static let lowerings: [String: Node.Lowering] = [
        "NonMaxSuppression": suppression, "NonZero": nonZero, "GridSample": gridSample,
        "AffineGrid": affineGrid,
    ]

    /// As many rows as the data says: an array with room for the most, and how many there are.
    ///
    /// Where both are known there are just so many.
    private static func cut(_ results: [Known], axis: Int, _ builder: GraphBuilder) throws(NodeFault) -> Known
    {
        switch (results[0], results[1]) {
        case (.value(var rows), .value(let count)):
            rows.varying = Varying(axis: axis, count: count.value)
            return .value(rows)
        case (let rows, let count):
            let found = Int(count.constant?.integers.first ?? 0)
            var tables = rows.dimensions.tables
            tables[axis] = Array(tables[axis].prefix(found))
            return try builder.rearranged(rows, Rearrangement(tables: tables), "rows")
        }
    }

    private static let suppression: Node.Lowering = { (node) throws(NodeFault) in
        let (boxes, scores) = (try node.input(0), try node.input(1))
        let (b, s) = (boxes.dimensions, scores.dimensions)
        guard b.count == 3, s.count == 3, b[0] == s[0], b[1] == s[2], b[2] == 4 else {
            throw .invalid("boxes of \(b) with scores of \(s)")
        }
        guard b[1] < 1 << 24 else { throw .unsupported("\(b[1]) boxes") }
        let given = node.optional(2) == nil ? 0 : try node.constant(2, "number of boxes").integers.first ?? 0
        let limit = Int(min(max(given, 0), Int64(b[1])))
        guard limit > 0, s[0] * s[1] > 0 else { return [.constant(Constant([0, 3], .int64, integers: []))] }
        var (operands, roles) = ([boxes, scores], Suppress.Roles())
        for (index, role) in [(3, \Suppress.Roles.overlap), (4, \Suppress.Roles.threshold)] {
            guard let known = node.optional(index) else { continue }
            guard known.count == 1 else { throw .invalid("input \(index) is not one number") }
            roles[keyPath: role] = operands.count
            operands.append(known)
        }
        guard let rows = [s[0], s[1], limit].count(upTo: node.builder.mostNumbers) else {
            throw .unsupported("\(limit) boxes of each of \(s[1]) classes are too many")
        }
        let (isCentred, places) = (try node.flag("center_point_box"), roles)
        let results = try node.builder.general(
            operands,
            dimensions: [[rows, 3], [1]],
            types: [.int64, .int64]
        ) { sources, _ in
            Suppress(
                sources,
                images: s[0],
                classes: s[1],
                boxes: b[1],
                limit: limit,
                isCentred: isCentred,
                roles: places
            )
        }
        return [try cut(results, axis: 0, node.builder)]
    }

    private static let nonZero: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let extents = x.dimensions.isEmpty ? [1] : x.dimensions
        guard x.count > 0 else {
            return [.constant(Constant([extents.count, 0], .int64, integers: []))]
        }
        guard x.count <= 1 << 24 else { throw .unsupported("places of \(x.count) numbers") }
        let results = try node.builder.general(
            [x],
            dimensions: [[extents.count, x.count], [1]],
            types: [.int64, .int64]
        ) { sources, _ in NonZeroPlaces(sources.sources[0], extents: extents) }
        return [try cut(results, axis: 1, node.builder)]
    }

    private static let gridSample: Node.Lowering = { (node) throws(NodeFault) in
        let (x, grid) = (try node.input(0), try node.input(1))
        let axes = x.dimensions.count - 2
        guard (1...3).contains(axes), grid.dimensions.count == axes + 2, grid.dimensions.last == axes,
            grid.dimensions[0] == x.dimensions[0]
        else { throw .invalid("places of \(grid.dimensions) in \(x.dimensions)") }
        let names = ["bilinear": "linear", "bicubic": "cubic"]
        let mode = try node.string("mode", "linear")
        guard let kind = GridSample.Kind(rawValue: names[mode] ?? mode),
            let outside = GridSample.Outside(rawValue: try node.string("padding_mode", "zeros"))
        else { throw .unsupported("mode '\(mode)' with this padding") }
        let places = Array(grid.dimensions[1..<axes + 1])
        let dimensions = Array(x.dimensions[..<2]) + places
        let aligns = try node.flag("align_corners")
        return try node.builder.general([x, grid], dimensions: [dimensions], types: [x.type]) {
            GridSample(
                $0,
                kind,
                outside: outside,
                alignsCorners: aligns,
                source: x.dimensions,
                points: places.reduce(1, *),
                shape: $1[0]
            )
        }
    }

    /// Places that matrices move: each row of an image's matrix times the place and 1.
    private static let affineGrid: Node.Lowering = { (node) throws(NodeFault) in
        let theta = try node.input(0)
        let size = try node.constant(1, "size").integers.map { Int(clamping: $0) }
        let axes = size.count - 2
        guard (2...3).contains(axes), theta.dimensions == [size[0], axes, axes + 1] else {
            throw .invalid("matrices of \(theta.dimensions) for \(size)")
        }
        let extents = Array(size[2...])
        guard let points = node.builder.budget.take(extents + [axes + 1]), points > 0 else {
            throw .unsupported("places in \(size)")
        }
        let aligns = try node.flag("align_corners")
        var columns: [Float] = []
        for place in 0..<extents.reduce(1, *) {
            var (rest, coordinates) = (place, [Float]())
            for extent in extents.reversed() {
                let index = Float(rest % extent)
                rest /= extent
                coordinates.append(
                    aligns
                        ? (extent == 1 ? -1 : 2 * index / Float(extent - 1) - 1)
                        : (2 * index + 1) / Float(extent) - 1
                )
            }
            columns += coordinates + [1]
        }
        let count = extents.reduce(1, *)
        let base = Known.constant(Constant([count, axes + 1], .float, floats: columns))
        let moved = try MatrixNodes.product(
            base,
            LayoutNodes.transposed(theta, [0, 2, 1], node.builder),
            node.builder
        )
        return [try node.builder.reshaped(moved, to: [size[0]] + extents + [axes])]
    }
}
