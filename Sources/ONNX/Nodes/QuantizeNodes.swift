internal import Engine

/// Whole numbers that stand for real ones.
enum QuantizeNodes {
    static let lowerings: [String: Node.Lowering] = [
        "QuantizeLinear": quantize, "DequantizeLinear": dequantize,
    ]

    /// A scale or a zero point under the dimensions that make it broadcast.
    private static func wide(_ known: Known, of x: Known, _ node: Node) throws(NodeFault) -> Known {
        if known.count == 1 { return try node.builder.reshaped(known, to: []) }
        let rank = x.dimensions.count
        let axis = try node.axis(node.integer("axis") ?? 1, rank: rank)
        if known.dimensions.count == 1 {
            var shape = [Int](repeating: 1, count: rank)
            shape[axis] = known.count
            return try node.builder.reshaped(known, to: shape)
        }
        guard let block = try node.integer("block_size"), block > 0, known.dimensions.count == rank else {
            throw .invalid("scales of \(known.dimensions) for \(x.dimensions)")
        }
        var tables = known.dimensions.tables
        let table = tables[axis]
        tables[axis] = (0..<x.dimensions[axis]).map { table[min($0 / block, table.count - 1)] }
        return try node.builder.rearranged(known, Rearrangement(tables: tables), "blocks")
    }

    private static let dequantize: Node.Lowering = { (node) throws(NodeFault) in
        let (x, builder) = (try node.input(0), node.builder)
        let scale = try wide(node.input(1), of: x, node)
        let type = scale.type
        var value = try ElementwiseNodes.cast(x, to: .float, builder)
        if let given = node.optional(2) {
            let zero = try ElementwiseNodes.cast(wide(given, of: x, node), to: .float, builder)
            value = try builder.elementwise(.subtract, [value, zero], type: .float)
        }
        return [try builder.elementwise(.multiply, [value, scale], type: type)]
    }

    private static let quantize: Node.Lowering = { (node) throws(NodeFault) in
        let (x, builder) = (try node.input(0), node.builder)
        let scale = try wide(node.input(1), of: x, node)
        var type = DataType.uint8
        var zero = Known.constant(Constant(0, .float))
        if let given = node.optional(2) {
            type = given.type
            zero = try ElementwiseNodes.cast(wide(given, of: x, node), to: .float, builder)
        } else if let number = try node.integer("output_dtype"), number != 0 {
            guard let named = DataType(rawValue: number) else { throw .unsupported("ONNX's type \(number)") }
            type = named
        }
        if type.small != nil {
            let saturates = try node.flag("saturate", true)
            let scaled = try builder.elementwise(.divide, [x, scale], type: .float)
            let moved = try builder.elementwise(.add, [scaled, zero], type: .float)
            return [try ElementwiseNodes.cast(moved, to: type, saturates: saturates, builder)]
        }
        guard type.isInteger, type.range.upperBound <= 1 << 16 else {
            throw .unsupported("numbers of \(type.name)")
        }
        let bounds = type.range
        return [
            try builder.elementwise(
                .quantize,
                [x, scale, zero],
                alpha: Float(bounds.lowerBound),
                beta: Float(bounds.upperBound),
                type: type
            )
        ]
    }
}
