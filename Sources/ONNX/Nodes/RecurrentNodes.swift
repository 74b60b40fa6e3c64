internal import Engine

/// Recurrent layers.
enum RecurrentNodes {
    static let lowerings: [String: Node.Lowering] = [
        "RNN": { (node) throws(NodeFault) in try layer(.rnn, node) },
        "LSTM": { (node) throws(NodeFault) in try layer(.lstm, node) },
        "GRU": { (node) throws(NodeFault) in try layer(.gru, node) },
    ]

    private static func layer(_ cell: Recurrent.Cell, _ node: Node) throws(NodeFault) -> [Known] {
        let (x, w, r) = (try node.input(0), try node.input(1), try node.input(2))
        guard x.dimensions.count == 3, w.dimensions.count == 3, r.dimensions.count == 3 else {
            throw .invalid("\(x.dimensions) times \(w.dimensions)")
        }
        let batchFirst = try node.flag("layout")
        let direction = try node.string("direction", "forward")
        let directions: [Bool]
        switch direction {
        case "forward": directions = [false]
        case "reverse": directions = [true]
        case "bidirectional": directions = [false, true]
        default: throw .invalid("direction '\(direction)'")
        }
        let (steps, sequences) = (x.dimensions[batchFirst ? 1 : 0], x.dimensions[batchFirst ? 0 : 1])
        let (inputs, hidden, rows) = (x.dimensions[2], r.dimensions[2], cell.gates * r.dimensions[2])
        guard w.dimensions == [directions.count, rows, inputs],
            r.dimensions == [directions.count, rows, hidden]
        else { throw .invalid("weights of \(w.dimensions) and \(r.dimensions) for \(x.dimensions)") }
        try node.builder.check(w.dimensions)
        try node.builder.check(r.dimensions)
        try node.builder.check([steps, directions.count, sequences, hidden])
        let clip = try node.float("clip", 0)
        let form = PlainRecurrent.Layer(
            cell,
            steps: steps,
            sequences: sequences,
            inputs: inputs,
            hidden: hidden,
            directions: directions,
            batchFirst: batchFirst,
            linearBeforeReset: try node.flag("linear_before_reset"),
            couplesInputForget: try node.flag("input_forget"),
            functions: try functions(cell, node, directions.count),
            clip: clip
        )
        if let quick = try engineLayer(cell, node, form, clip) { return quick }
        let states =
            batchFirst ? [sequences, directions.count, hidden] : [directions.count, sequences, hidden]
        var (operands, roles) = ([x, w, r], PlainRecurrent.Roles())
        func role(_ index: Int, _ dimensions: [Int]) throws(NodeFault) -> Int? {
            guard let known = node.optional(index) else { return nil }
            guard known.dimensions == dimensions else {
                throw .invalid("input \(index) is \(known.dimensions), expected \(dimensions)")
            }
            operands.append(known)
            return operands.count - 1
        }
        roles.bias = try role(3, [directions.count, 2 * rows])
        roles.lengths = try role(4, [sequences])
        roles.hidden = try role(5, states)
        if cell == .lstm {
            roles.cells = try role(6, states)
            roles.peepholes = try role(7, [directions.count, 3 * hidden])
        }
        let all =
            batchFirst
            ? [sequences, steps, directions.count, hidden] : [steps, directions.count, sequences, hidden]
        let dimensions = [all, states] + (cell == .lstm ? [states] : [])
        let types = dimensions.map { _ in x.type }
        let places = roles
        return try node.builder.general(operands, dimensions: dimensions, types: types) {
            PlainRecurrent($0, form, places, shapes: $1)
        }
    }

    /// The functions of each direction's gates.
    private static func functions(
        _ cell: Recurrent.Cell,
        _ node: Node,
        _ directions: Int
    ) throws(NodeFault) -> [[(function: Function, alpha: Float, beta: Float)]] {
        let standard =
            switch cell {
            case .rnn: ["Tanh"]
            case .lstm: ["Sigmoid", "Tanh", "Tanh"]
            case .gru: ["Sigmoid", "Tanh"]
            }
        let names = try node.strings("activations") ?? (0..<directions).flatMap { _ in standard }
        guard names.count == standard.count * directions else { throw .invalid("activations \(names)") }
        var alphas = try node.floats("activation_alpha") ?? []
        var betas = try node.floats("activation_beta") ?? []
        var all: [(function: Function, alpha: Float, beta: Float)] = []
        for name in names {
            guard let known = gateFunctions[name.lowercased()] else {
                throw .unsupported("activation '\(name)'")
            }
            let alpha = known.alpha.map { alphas.isEmpty ? $0 : alphas.removeFirst() }
            let beta = known.beta.map { betas.isEmpty ? $0 : betas.removeFirst() }
            all.append((known.function, alpha ?? 0, beta ?? 0))
        }
        return (0..<directions).map { Array(all[$0 * standard.count..<($0 + 1) * standard.count]) }
    }

    private static let gateFunctions: [String: (function: Function, alpha: Float?, beta: Float?)] = [
        "relu": (.relu, nil, nil), "tanh": (.tanh, nil, nil), "sigmoid": (.sigmoid, nil, nil),
        "leakyrelu": (.leakyRelu, 0.01, nil), "thresholdedrelu": (.thresholdedRelu, 1, nil),
        "hardsigmoid": (.hardSigmoid, 0.2, 0.5), "elu": (.elu, 1, nil), "softsign": (.softsign, nil, nil),
        "softplus": (.softplus, nil, nil),
    ]

    /// A layer of one sequence from zeros, with constant weights, as the engine's own.
    private static func engineLayer(
        _ cell: Recurrent.Cell,
        _ node: Node,
        _ form: PlainRecurrent.Layer,
        _ clip: Float
    ) throws(NodeFault) -> [Known]? {
        let x = try node.input(0)
        guard case .value(let value) = x, form.sequences == 1, clip == 0, !form.couplesInputForget,
            form.directions != [true], node.optional(7) == nil,
            let w = try node.input(1).constant, let r = try node.input(2).constant
        else { return nil }
        for index in [5, 6] {
            guard let state = node.optional(index) else { continue }
            guard let zeros = state.constant, zeros.floats.allSatisfy({ $0 == 0 }) else { return nil }
        }
        if let lengths = node.optional(4) {
            guard lengths.constant?.integers == [Int64(form.steps)] else { return nil }
        }
        let usual: [Function] = cell == .lstm ? [.sigmoid, .tanh, .tanh] : [.sigmoid, .tanh]
        let isReLU = cell == .rnn && form.functions.allSatisfy { $0.map(\.function) == [.relu] }
        let isUsual = form.functions.allSatisfy { gates in
            gates.map(\.function) == (cell == .rnn ? [isReLU ? .relu : .tanh] : usual)
        }
        guard isUsual else { return nil }
        let bias = node.optional(3)
        guard bias == nil || bias?.constant != nil else { return nil }
        let op = Recurrent(
            cell,
            inputs: form.inputs,
            hidden: form.hidden,
            isBidirectional: form.directions.count == 2,
            hasBias: bias != nil,
            resetsAfter: form.linearBeforeReset,
            nonlinearity: isReLU ? .relu : .tanh,
            givesState: true,
            readsWholeItems: true
        )
        let weights = arrays(op, form, w.floats, r.floats, bias?.constant?.floats)
        let steps = try node.builder.view(value, as: [form.steps, form.inputs])
        let results = try node.builder.append(op, [steps], weights)
        let directions = form.directions.count
        let all =
            form.batchFirst
            ? [1, form.steps, directions, form.hidden] : [form.steps, directions, 1, form.hidden]
        let state = form.batchFirst ? [1, directions, form.hidden] : [directions, 1, form.hidden]
        return results.indices.map {
            .value(RunValue(value: results[$0], dimensions: $0 == 0 ? all : state, type: x.type))
        }
    }

    /// ONNX's matrices, gates in the order i o f c and z r h, as PyTorch's, i f g o and r z n.
    private static func arrays(
        _ op: Recurrent,
        _ form: PlainRecurrent.Layer,
        _ w: [Float],
        _ r: [Float],
        _ bias: [Float]?
    ) -> [Tensor] {
        let order =
            switch op.cell {
            case .rnn: [0]
            case .lstm: [0, 2, 3, 1]
            case .gru: [1, 0, 2]
            }
        func ordered(_ values: [Float], _ start: Int, _ columns: Int) -> [Float] {
            order.flatMap { gate in
                let first = start + gate * form.hidden * columns
                return values[first..<first + form.hidden * columns]
            }
        }
        let rows = op.cell.gates * form.hidden
        var tensors: [Tensor] = []
        for direction in form.directions.indices {
            let input = ordered(w, direction * rows * form.inputs, form.inputs)
            let state = ordered(r, direction * rows * form.hidden, form.hidden)
            tensors.append(Tensor(shape: [rows, form.inputs], values: input))
            tensors.append(Tensor(shape: [rows, form.hidden], values: state))
            guard let bias else { continue }
            for part in 0..<2 {
                let values = ordered(bias, (2 * direction + part) * rows, 1)
                tensors.append(Tensor(shape: [rows], values: values))
            }
        }
        return tensors
    }
}
