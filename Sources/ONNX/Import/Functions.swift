internal import Engine

extension GraphBuilder {
    /// A function of one to three arrays that broadcast.
    ///
    /// Where it is the last step of what the engine has an operation for, it becomes that.
    func elementwise(
        _ function: Function,
        _ operands: [Known],
        alpha: Float = 0,
        beta: Float = 0,
        type: DataType
    ) throws(NodeFault) -> Known {
        let dimensions = try Self.broadcast(operands.map(\.dimensions))
        if let integers = try IntegerArithmetic.result(
            function,
            operands,
            dimensions,
            type,
            most: mostNumbers
        ) {
            guard budget.take(dimensions) != nil else { throw .unsupported("too many constants") }
            return .constant(integers)
        }
        if let result = try functionOfChannelsLast(function, operands, dimensions, alpha, beta, type) {
            return result
        }
        var operands = try operands.map { known throws(NodeFault) in try plain(known) }
        operands = try unexpanded(operands, dimensions)
        if let short = try activation(function, operands, type) { return short }
        if let short = try layerNorm(function, operands) { return short }
        var result = try engineForm(function, operands, dimensions, alpha, beta, type)
        if result == nil {
            result = try general(operands, dimensions: [dimensions], types: [type]) { sources, shapes in
                Elementwise(
                    function,
                    sources,
                    dimensions: operands.map(\.dimensions),
                    broadcast: dimensions,
                    alpha: alpha,
                    beta: beta,
                    shape: shapes[0]
                )
            }.first
        }
        guard let result else { throw .unsupported("'\(function.rawValue)' gives nothing") }
        remember(function, operands, alpha, beta, as: result)
        return result
    }

    /// For patterns; of functions with constants only those that patterns look for.
    private func remember(
        _ function: Function,
        _ operands: [Known],
        _ alpha: Float,
        _ beta: Float,
        as result: Known
    ) {
        guard case .value(let value) = result, expressions[value.value] == nil,
            function != .hardSigmoid || Activation(function, alpha, beta) == .hardSigmoid
        else { return }
        remember(.function(function, operands), of: result)
    }

    /// What arrays broadcast to.
    static func broadcast(_ all: [[Int]]) throws(NodeFault) -> [Int] {
        let rank = all.map(\.count).max() ?? 0
        var result = [Int](repeating: 1, count: rank)
        for dimensions in all {
            for (index, extent) in dimensions.enumerated() {
                let axis = rank - dimensions.count + index
                guard extent == 1 || result[axis] == 1 || result[axis] == extent else {
                    throw .invalid("\(all.map { "\($0)" }.joined(separator: " and ")) do not broadcast")
                }
                if extent != 1 { result[axis] = extent }
            }
        }
        return result
    }
}
