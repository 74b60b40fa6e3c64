internal import Engine

/// Constants, shapes, and what is chosen by constants.
enum SelectionNodes {
    static let lowerings: [String: Node.Lowering] = [
        "Constant": constant, "ConstantOfShape": constantOfShape, "Shape": shape, "Size": size,
        "Range": range,
        "EyeLike": eyeLike, "OneHot": oneHot, "Compress": compress,
    ]

    private static let constant: Node.Lowering = { (node) throws(NodeFault) in
        for (name, attribute) in node.attributes {
            switch (name, attribute) {
            case ("value", .tensor(let tensor)): return [.constant(try decoded(tensor, node))]
            case ("value_float", .float(let number)):
                return [.constant(Constant([], .float, floats: [number]))]
            case ("value_floats", .floats(let list)):
                return [.constant(Constant([list.count], .float, floats: list))]
            case ("value_int", .int(let number)): return [.constant(Constant([], .int64, integers: [number]))]
            case ("value_ints", .ints(let list)):
                return [.constant(Constant([list.count], .int64, integers: list))]
            default: continue
            }
        }
        throw .unsupported("its value is neither numbers nor an array of them")
    }

    private static func decoded(_ tensor: TensorProto, _ node: Node) throws(NodeFault) -> Constant {
        do throws(ONNXError) {
            return try tensor.constant(folder: node.builder.folder, budget: &node.builder.budget)
        } catch {
            throw .invalid(error.description)
        }
    }

    private static let constantOfShape: Node.Lowering = { (node) throws(NodeFault) in
        let dimensions = try node.constant(0, "shape").integers.map { Int($0) }
        guard let count = node.builder.budget.take(dimensions) else {
            throw .unsupported("an array of \(dimensions) is impossible or too large")
        }
        var number = Constant([1], .float, floats: [0])
        if case .tensor(let tensor)? = node.attributes["value"] { number = try decoded(tensor, node) }
        guard number.count == 1 else { throw .invalid("its value is not one number") }
        switch number.storage {
        case .integers(let integers):
            let all = [Int64](repeating: integers[0], count: count)
            return [.constant(Constant(dimensions, number.type, integers: all))]
        case .floats(let tensor):
            let all = [Float](repeating: tensor.values[0], count: count)
            return [.constant(Constant(dimensions, number.type, floats: all))]
        }
    }

    private static let shape: Node.Lowering = { (node) throws(NodeFault) in
        let dimensions = try node.input(0).dimensions
        func place(_ name: String, _ standard: Int) throws(NodeFault) -> Int {
            let given = try node.integer(name) ?? standard
            return min(max(given < 0 ? given + dimensions.count : given, 0), dimensions.count)
        }
        let (start, end) = (try place("start", 0), try place("end", dimensions.count))
        return [.constant(Constant(start < end ? Array(dimensions[start..<end]) : []))]
    }

    private static let size: Node.Lowering = { (node) throws(NodeFault) in
        [.constant(Constant([], .int64, integers: [Int64(try node.input(0).count)]))]
    }

    private static let range: Node.Lowering = { (node) throws(NodeFault) in
        let bounds = try (0..<3).map { index throws(NodeFault) in try node.constant(index, "bounds") }
        guard bounds.allSatisfy({ $0.count == 1 }) else {
            throw .invalid("its bounds are not single numbers")
        }
        let type = bounds[0].type
        let whole = bounds.map { $0.integers[0] }
        let real = bounds.map { Double($0.floats[0]) }
        let wanted =
            type.isInteger
            ? (Double(whole[1]) - Double(whole[0])) / Double(whole[2]) : (real[1] - real[0]) / real[2]
        guard wanted == wanted, wanted < Double(node.builder.mostNumbers),
            let count = node.builder.budget.take([wanted > 0 ? Int(wanted.rounded(.up)) : 0])
        else { throw .unsupported("a range of \(wanted) numbers") }
        if type.isInteger {
            let numbers = (0..<Int64(count)).map { whole[0] &+ $0 &* whole[2] }
            return [.constant(Constant([count], type, integers: numbers))]
        }
        let numbers = (0..<count).map { Float(real[0] + Double($0) * real[2]) }
        return [.constant(Constant([count], type, floats: numbers))]
    }

    private static let eyeLike: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard x.dimensions.count == 2 else { throw .invalid("\(x.dimensions) is no matrix") }
        let type = try node.integer("dtype").map { DataType(rawValue: $0) } ?? x.type
        guard let type, node.builder.budget.take(x.dimensions) != nil else {
            throw .unsupported("an array of \(x.dimensions)")
        }
        let k = try node.integer("k") ?? 0
        let (rows, columns) = (x.dimensions[0], x.dimensions[1])
        let ones = (0..<rows * columns).map { $0 % columns - $0 / columns == k ? Int64(1) : 0 }
        return [
            .constant(
                type.isInteger
                    ? Constant(x.dimensions, type, integers: ones)
                    : Constant(x.dimensions, type, floats: ones.map { Float($0) })
            )
        ]
    }

    private static let oneHot: Node.Lowering = { (node) throws(NodeFault) in
        let (indices, values) = (try node.input(0), try node.input(2))
        guard let depth = try node.constant(1, "depth").integers.first, (1...1 << 24).contains(depth) else {
            throw .unsupported("its depth")
        }
        let rank = indices.dimensions.count + 1
        let axis = try node.axis(node.integer("axis") ?? -1, rank: rank)
        var widened = indices.dimensions
        widened.insert(1, at: axis)
        var shape = [Int](repeating: 1, count: rank)
        shape[axis] = Int(depth)
        let places = Known.constant(Constant(shape, indices.type, rounding: (0..<depth).map { Float($0) }))
        let builder = node.builder
        let size = Known.constant(Constant(Float(depth), indices.type))
        // Indices may count from the end.
        let wrapped = try builder.elementwise(
            .modulo,
            [builder.reshaped(indices, to: widened), size],
            type: indices.type
        )
        let inside = try builder.elementwise(
            .and,
            [
                builder.elementwise(
                    .less,
                    [builder.reshaped(indices, to: widened), size],
                    type: .bool
                ),
                builder.elementwise(
                    .greaterOrEqual,
                    [
                        builder.reshaped(indices, to: widened),
                        .constant(Constant(-Float(depth), indices.type.signed)),
                    ],
                    type: .bool
                ),
            ],
            type: .bool
        )
        let hits = try builder.elementwise(
            .and,
            [builder.elementwise(.equal, [wrapped, places], type: .bool), inside],
            type: .bool
        )
        func value(_ index: Int32) throws(NodeFault) -> Known {
            guard values.count == 2 else { throw .invalid("\(values.count) values") }
            let one = try builder.rearranged(values, Rearrangement(tables: [[index]]), "value")
            return try builder.reshaped(one, to: [])
        }
        return [try builder.elementwise(.where, [hits, value(1), value(0)], type: values.type)]
    }

    private static let compress: Node.Lowering = { (node) throws(NodeFault) in
        var x = try node.input(0)
        let wanted = try node.constant(1, "condition").integers
        let given = try node.integer("axis")
        if given == nil { x = try node.builder.reshaped(x, to: [x.count]) }
        let axis = try node.axis(given ?? 0, rank: x.dimensions.count)
        var tables = x.dimensions.tables
        tables[axis] = zip(tables[axis], wanted).filter { $0.1 != 0 }.map(\.0)
        return [try node.builder.rearranged(x, Rearrangement(tables: tables), "compress")]
    }
}

extension DataType {
    /// A type that holds negative numbers too.
    fileprivate var signed: DataType { range.lowerBound < 0 ? self : .int64 }
}
