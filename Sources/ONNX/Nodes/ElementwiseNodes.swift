internal import Engine

/// Functions of single numbers, with broadcasting.
enum ElementwiseNodes {
    static let lowerings: [String: Node.Lowering] = {
        var table: [String: Node.Lowering] = [:]
        for (name, function) in unary {
            table[name] = { (node) throws(NodeFault) in
                let x = try node.input(0)
                let type: DataType = [.not, .isNaN].contains(function) ? .bool : x.type
                return [try node.builder.elementwise(function, [x], type: type)]
            }
        }
        for (name, function, alpha, beta) in tuned {
            table[name] = { (node) throws(NodeFault) in
                let x = try node.input(0)
                let first = try alpha.map { pair throws(NodeFault) in try node.float(pair.name, pair.value) }
                let second = try beta.map { pair throws(NodeFault) in try node.float(pair.name, pair.value) }
                return [
                    try node.builder.elementwise(
                        function,
                        [x],
                        alpha: first ?? 0,
                        beta: second ?? 0,
                        type: x.type
                    )
                ]
            }
        }
        for (name, function) in binary {
            table[name] = { (node) throws(NodeFault) in try pair(function, node) }
        }
        for (name, function) in variadic {
            table[name] = { (node) throws(NodeFault) in try many(function, node) }
        }
        table["Div"] = { (node) throws(NodeFault) in
            let isWhole = try node.input(0).type.isInteger
            return try pair(isWhole ? .divideIntegers : .divide, node)
        }
        table["Mod"] = { (node) throws(NodeFault) in try pair(node.flag("fmod") ? .fmod : .modulo, node) }
        table["Mean"] = mean
        table["Clip"] = clip
        table["Where"] = { (node) throws(NodeFault) in
            let operands = [try node.input(0), try node.input(1), try node.input(2)]
            return [try node.builder.elementwise(.where, operands, type: operands[1].type)]
        }
        table["Cast"] = { (node) throws(NodeFault) in
            guard let to = try node.integer("to") else { throw .invalid("attribute 'to' is missing") }
            guard let type = DataType(rawValue: to) else { throw .unsupported("a cast to ONNX's type \(to)") }
            return [try cast(node, to: type)]
        }
        table["CastLike"] = { (node) throws(NodeFault) in try [cast(node, to: node.input(1).type)] }
        table["Gelu"] = { (node) throws(NodeFault) in
            let x = try node.input(0)
            let function: Function = try node.string("approximate", "none") == "tanh" ? .geluTanh : .gelu
            return [try node.builder.elementwise(function, [x], type: x.type)]
        }
        table["IsInf"] = { (node) throws(NodeFault) in
            let alpha: Float = try node.flag("detect_negative", true) ? 1 : 0
            let beta: Float = try node.flag("detect_positive", true) ? 1 : 0
            return [
                try node.builder.elementwise(.isInf, [node.input(0)], alpha: alpha, beta: beta, type: .bool)
            ]
        }
        table["Identity"] = { (node) throws(NodeFault) in [try node.input(0)] }
        return table
    }()

    private static let unary: [(String, Function)] = [
        ("Abs", .abs), ("Acos", .acos), ("Acosh", .acosh), ("Asin", .asin), ("Asinh", .asinh),
        ("Atan", .atan),
        ("Atanh", .atanh), ("Ceil", .ceil), ("Cos", .cos), ("Cosh", .cosh), ("Erf", .erf), ("Exp", .exp),
        ("Floor", .floor), ("HardSwish", .hardSwish), ("IsNaN", .isNaN), ("Log", .log), ("Mish", .mish),
        ("Neg", .negate), ("Not", .not), ("Reciprocal", .reciprocal), ("Relu", .relu), ("Round", .round),
        ("Sigmoid", .sigmoid), ("Sign", .sign), ("Sin", .sin), ("Sinh", .sinh), ("Softplus", .softplus),
        ("Softsign", .softsign), ("Sqrt", .sqrt), ("Tan", .tan), ("Tanh", .tanh),
    ]

    private typealias Standard = (name: String, value: Float)

    /// Functions with constants, and what these are where the file does not say.
    private static let tuned: [(String, Function, Standard?, Standard?)] = [
        ("Celu", .celu, ("alpha", 1), nil), ("Elu", .elu, ("alpha", 1), nil),
        ("HardSigmoid", .hardSigmoid, ("alpha", 0.2), ("beta", 0.5)),
        ("LeakyRelu", .leakyRelu, ("alpha", 0.01), nil),
        ("Selu", .selu, ("alpha", 1.673_263_192_176_818_8), ("gamma", 1.050_701_022_148_132_3)),
        ("Shrink", .shrink, ("lambd", 0.5), ("bias", 0)), ("Swish", .swish, ("alpha", 1), nil),
        ("ThresholdedRelu", .thresholdedRelu, ("alpha", 1), nil),
    ]

    private static let binary: [(String, Function)] = [
        ("Add", .add), ("And", .and), ("Equal", .equal), ("Greater", .greater),
        ("GreaterOrEqual", .greaterOrEqual), ("Less", .less), ("LessOrEqual", .lessOrEqual),
        ("Mul", .multiply),
        ("Or", .or), ("Pow", .power), ("PRelu", .prelu), ("Sub", .subtract), ("Xor", .xor),
    ]

    private static let variadic: [(String, Function)] = [("Max", .max), ("Min", .min), ("Sum", .add)]

    private static func pair(_ function: Function, _ node: Node) throws(NodeFault) -> [Known] {
        let (a, b) = (try node.input(0), try aligned(node))
        let isComparison = [.and, .or, .xor, .equal, .greater, .greaterOrEqual, .less, .lessOrEqual].contains(
            function
        )
        let type: DataType = isComparison ? .bool : a.type
        var b2 = b
        // A base of whole numbers may have an exponent that is a float, and the reverse.
        if function == .power, !a.type.isInteger, let constant = b.constant, constant.type.isInteger {
            b2 = .constant(Constant(constant.dimensions, .float, floats: constant.floats))
        }
        return [try node.builder.elementwise(function, [a, b2], type: type)]
    }

    /// The second operand; before version 7 it lies along the axis that an attribute names.
    private static func aligned(_ node: Node) throws(NodeFault) -> Known {
        let b = try node.input(1)
        if node.opset < 7, node.op == "PRelu" {
            // One slope for all, or one for each channel.
            let dimensions = try node.input(0).dimensions
            guard b.count > 1, dimensions.count > 1, b.count == dimensions[1] else { return b }
            return try node.builder.reshaped(b, to: [b.count] + dimensions.dropFirst(2).map { _ in 1 })
        }
        guard node.opset < 7, try node.flag("broadcast"), let axis = try node.integer("axis") else {
            return b
        }
        let rank = try node.input(0).dimensions.count
        let first = try node.axis(axis, rank: rank)
        guard first + b.dimensions.count <= rank else { throw .invalid("axis \(axis) of \(rank) dimensions") }
        let behind = [Int](repeating: 1, count: rank - first - b.dimensions.count)
        return try node.builder.reshaped(b, to: b.dimensions + behind)
    }

    private static func many(_ function: Function, _ node: Node) throws(NodeFault) -> [Known] {
        var result = try node.input(0)
        for index in 1..<max(1, node.inputs.count) {
            result = try node.builder.elementwise(function, [result, node.input(index)], type: result.type)
        }
        return [result]
    }

    private static let mean: Node.Lowering = { (node) throws(NodeFault) in
        let sum = try many(.add, node)[0]
        let count = Known.constant(Constant(Float(node.inputs.count), sum.type))
        return [try node.builder.elementwise(.divide, [sum, count], type: sum.type)]
    }

    private static let clip: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        func bound(_ index: Int, _ name: String, _ standard: Float) throws(NodeFault) -> Known {
            if let given = node.optional(index) { return given }
            let number = try node.float(name, standard)
            if x.type.isInteger {
                let range = x.type.range
                let limit = index == 1 ? range.lowerBound : range.upperBound
                // As a float where the network computes: beyond 2^24 there is no difference.
                let near = x.constant == nil ? min(max(limit, -1 << 24), 1 << 24) : limit
                return .constant(Constant([], x.type, integers: [near]))
            }
            return .constant(Constant(number, .float))
        }
        let operands = [x, try bound(1, "min", -.infinity), try bound(2, "max", .infinity)]
        return [try node.builder.elementwise(.clip, operands, type: x.type)]
    }

    private static func cast(_ node: Node, to type: DataType) throws(NodeFault) -> Known {
        let mode = try node.string("round_mode", "up")
        guard let places = ["up": 0, "down": 1, "nearest": 2][mode] else { throw .invalid("mode '\(mode)'") }
        let saturates = try node.flag("saturate", true)
        return try cast(node.input(0), to: type, saturates: saturates, powers: places, node.builder)
    }

    /// The lowest bits of whole numbers.
    private static func packed(_ x: Known, _ type: DataType, _ builder: GraphBuilder) throws(NodeFault)
        -> Known
    {
        func number(_ value: Int64) -> Known { .constant(Constant(Float(value), .float)) }
        let (low, high) = (type.range.lowerBound, type.range.upperBound)
        var whole = try builder.elementwise(.truncate, [x], type: .float)
        whole = try builder.elementwise(.subtract, [whole, number(low)], type: .float)
        whole = try builder.elementwise(.modulo, [whole, number(high - low + 1)], type: .float)
        return try builder.elementwise(.add, [whole, number(low)], type: type)
    }

    /// Numbers as those of another type.
    ///
    /// - Parameters:
    ///   - x: the numbers.
    ///   - type: theirs afterwards.
    ///   - saturates: whether floats of eight bits and fewer stop at the largest one.
    ///   - powers: how powers of two are rounded: up, down, to the nearer one.
    ///   - builder: the graph.
    /// - Returns: the numbers.
    /// - Throws: where the graph cannot have the operation.
    static func cast(
        _ x: Known,
        to type: DataType,
        saturates: Bool = true,
        powers: Int = 0,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        if let constant = x.constant {
            switch constant.storage {
            case .integers(let integers):
                guard type.isInteger else {
                    if type.small != nil { break }
                    return .constant(Constant(constant.dimensions, type, floats: constant.floats))
                }
                let wrapped = integers.map { IntegerArithmetic.wrapped($0, type) }
                return .constant(Constant(constant.dimensions, type, integers: wrapped))
            case .floats where type.isInteger && type != .bool:
                let whole = constant.integers
                let kept =
                    type.packedBits == nil ? whole : whole.map { IntegerArithmetic.wrapped($0, type) }
                return .constant(Constant(constant.dimensions, type, integers: kept))
            case .floats: break
            }
        }
        if let kind = type.small {
            let alpha = Float(kind == 5 ? kind + powers : kind)
            return try builder.elementwise(.toSmall, [x], alpha: alpha, beta: saturates ? 1 : 0, type: type)
        }
        if type.packedBits != nil { return try packed(x, type, builder) }
        let function: Function? =
            switch type {
            case .bool: .toBool
            case .half: .toHalf
            case .bfloat: .toBFloat
            case .float, .double: nil
            default: x.type.isInteger ? nil : .truncate
            }
        if let function { return try builder.elementwise(function, [x], type: type) }
        switch x {
        case .constant(let constant): return .constant(constant.named(type))
        case .value(let value):
            return .value(RunValue(value: value.value, dimensions: value.dimensions, type: type))
        }
    }
}
