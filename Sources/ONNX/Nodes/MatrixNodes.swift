internal import Engine

/// Products of matrices.
enum MatrixNodes {
    static let lowerings: [String: Node.Lowering] = ["MatMul": matMul, "Gemm": gemm, "Einsum": einsum]

    private static let matMul: Node.Lowering = { (node) throws(NodeFault) in
        [try product(node.input(0), node.input(1), node.builder)]
    }

    /// The product of arrays of matrices; of vectors as of a row and a column.
    static func product(_ a: Known, _ b: Known, _ builder: GraphBuilder) throws(NodeFault) -> Known {
        guard !a.dimensions.isEmpty, !b.dimensions.isEmpty else {
            throw .invalid("a product of single numbers")
        }
        let left = a.dimensions.count == 1 ? [1] + a.dimensions : a.dimensions
        let right = b.dimensions.count == 1 ? b.dimensions + [1] : b.dimensions
        let (m, k) = (left[left.count - 2], left[left.count - 1])
        let (depth, n) = (right[right.count - 2], right[right.count - 1])
        guard k == depth else { throw .invalid("\(a.dimensions) times \(b.dimensions)") }
        let outer = try GraphBuilder.broadcast([Array(left.dropLast(2)), Array(right.dropLast(2))])
        let result =
            outer + (a.dimensions.count == 1 ? [] : [m]) + (b.dimensions.count == 1 ? [] : [n])
        try builder.check(result)
        if let pixels = try builder.pointwise(a, b, result) { return pixels }
        let (a, b) = (try builder.plain(a), try builder.plain(b))
        if m == 1, outer.allSatisfy({ $0 == 1 }), right.count == 2, case .value(let vector) = a,
            let matrix = b.constant
        {
            let weight = try turned(matrix.reshaped(to: right), builder)
            return try linear(vector, weight, nil, result, builder)
        }
        if a.count == 0 || b.count == 0 { throw .unsupported("a product of nothing") }
        // Rows of many matrices times one matrix are one product.
        let joins = right.count == 2
        let first = joins ? [Int32(0)] : places(Array(left.dropLast(2)), outer)
        let second = joins ? [Int32(0)] : places(Array(right.dropLast(2)), outer)
        let rows = joins ? outer.reduce(m, *) : m
        return try builder.general([a, b], dimensions: [result], types: [a.type]) {
            MatrixProduct($0, rows: rows, depth: k, columns: n, first: first, second: second, shape: $1[0])
        }[0]
    }

    /// Which matrix of an array each product reads.
    private static func places(_ own: [Int], _ all: [Int]) -> [Int32] {
        let padded = [Int](repeating: 1, count: all.count - own.count) + own
        let tables = zip(padded.tables, all).map { $0.count == $1 ? $0 : [Int32](repeating: 0, count: $1) }
        return Rearrangement(tables: tables).applied(to: (0..<Int32(own.reduce(1, *))).map { $0 }, fill: 0)
    }

    /// A matrix with rows and columns exchanged.
    private static func turned(_ matrix: Constant, _ builder: GraphBuilder) throws(NodeFault) -> Tensor {
        guard let tensor = try LayoutNodes.transposed(.constant(matrix), [1, 0], builder).constant?.tensor()
        else {
            throw .invalid("a matrix that is not constant")
        }
        return tensor
    }

    /// A fully connected layer; weights are outputs × inputs.
    private static func linear(
        _ vector: RunValue,
        _ weight: Tensor,
        _ bias: Tensor?,
        _ dimensions: [Int],
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        let layer = Linear(inputs: weight.shape[1], outputs: weight.shape[0], hasBias: bias != nil)
        let input = try builder.view(vector, as: [layer.inputs])
        let value = try builder.append(layer, [input], [weight] + [bias].compactMap(\.self))[0]
        return .value(RunValue(value: value, dimensions: dimensions, type: vector.type))
    }

    private static let gemm: Node.Lowering = { (node) throws(NodeFault) in
        let builder = node.builder
        var (a, b) = (try builder.plain(node.input(0)), try builder.plain(node.input(1)))
        guard a.dimensions.count == 2, b.dimensions.count == 2 else {
            throw .invalid("\(a.dimensions) times \(b.dimensions)")
        }
        let (alpha, beta) = (try node.float("alpha", 1), try node.float("beta", 1))
        let isTurned = try node.flag("transB")
        try builder.check(a.dimensions)
        try builder.check(b.dimensions)
        if try node.flag("transA") { a = try LayoutNodes.transposed(a, [1, 0], builder) }
        let n = b.dimensions[isTurned ? 0 : 1]
        if a.dimensions[0] == 1, alpha == 1, case .value(let vector) = a, let matrix = b.constant,
            a.dimensions[1] == b.dimensions[isTurned ? 1 : 0]
        {
            let weight = isTurned ? try matrix.tensor() : try turned(matrix, builder)
            guard let c = node.optional(2) else { return [try linear(vector, weight, nil, [1, n], builder)] }
            if let constant = c.constant, beta == 1, constant.count == n || constant.count == 1 {
                let values = constant.floats
                let bias = Tensor(shape: [n], values: (0..<n).map { values[$0 % values.count] })
                return [try linear(vector, weight, bias, [1, n], builder)]
            }
        }
        if isTurned { b = try LayoutNodes.transposed(b, [1, 0], builder) }
        var result = try product(a, b, builder)
        func scaled(_ known: Known, _ factor: Float) throws(NodeFault) -> Known {
            if factor == 1 { return known }
            let number = Known.constant(Constant(factor, known.type))
            return try builder.elementwise(.multiply, [known, number], type: known.type)
        }
        result = try scaled(result, alpha)
        if let c = node.optional(2) {
            result = try builder.elementwise(.add, [result, scaled(c, beta)], type: result.type)
        }
        return [result]
    }
}
