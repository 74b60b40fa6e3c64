internal import Engine
internal import Models
internal import Support
internal import Tasks

/// Reads tensors out of JSON, nested as their shapes are, for a model that takes any: what TensorFlow Serving calls rows and
/// columns.
///
/// Whole numbers and truth values have to be exactly those that 32-bit floats hold.
/// - Source: tensorflow/serving, `g3doc/api_rest.md`, "Predict API".
struct TensorReader {
    let ports: NetworkPorts

    /// One item: an object with a tensor under each name, or the tensor of the only input alone.
    func row(_ reader: inout JSONPullReader) throws -> InstanceReader.Read {
        if ports.isOpen {
            try reader.skip()
            return .failure(Self.isOpen)
        }
        if try reader.kind() == .object {
            var (values, fault) = ([String: [Float]](), ServingError?.none)
            try reader.object { reader, name in
                guard let port = ports.inputs.first(where: { $0.name == name }) else {
                    fault = fault ?? unknown(name)
                    return try reader.skip()
                }
                switch try tensor(&reader, port) {
                case .success(let numbers): values[name] = numbers
                case .failure(let error): fault = fault ?? error
                }
            }
            if let fault { return .failure(fault) }
            return item(values)
        }
        guard let port = ports.inputs.first, ports.inputs.count == 1 else {
            let found = try reader.kind().name
            try reader.skip()
            return .failure(.invalidInput("expected an object with the inputs \(names), found \(found)"))
        }
        return try tensor(&reader, port).flatMap { item([port.name: $0]) }
    }

    /// Items as columns: under each name a list with a tensor for each; of the only input also the list alone.
    func columns(_ reader: inout JSONPullReader) throws -> (
        items: [Instance], count: Int, fault: ServingError?
    ) {
        if ports.isOpen {
            try reader.skip()
            return ([], 1, Self.isOpen)
        }
        var (columns, fault) = ([String: [[Float]]](), ServingError?.none)
        func read(_ reader: inout JSONPullReader, _ port: TensorPort) throws {
            var column: [[Float]] = []
            func take(_ read: Result<[Float], ServingError>) {
                switch read {
                case .success(let numbers): column.append(numbers)
                case .failure(let error): fault = fault ?? error.at("item \(column.count)")
                }
            }
            if !ports.isBatched {
                take(try tensor(&reader, port))
            } else if try reader.kind() == .array {
                try reader.array { reader, index in
                    guard fault == nil, index < PredictRequest.maxInstances else { return try reader.skip() }
                    take(try tensor(&reader, port))
                }
            } else {
                fault = fault ?? .invalidInput("input '\(port.name)': expected a list of items")
                try reader.skip()
            }
            columns[port.name] = column
        }
        if try reader.kind() == .object {
            try reader.object { reader, name in
                guard let port = ports.inputs.first(where: { $0.name == name }) else {
                    fault = fault ?? unknown(name)
                    return try reader.skip()
                }
                try read(&reader, port)
            }
        } else if let port = ports.inputs.first, ports.inputs.count == 1 {
            try read(&reader, port)
        } else {
            fault = .invalidInput(
                "expected an object with the inputs \(names), found \(try reader.kind().name)"
            )
            try reader.skip()
        }
        let counts = Set(columns.values.map(\.count))
        guard fault == nil else { return ([], max(1, counts.max() ?? 1), fault) }
        guard counts.count < 2 else {
            return ([], 1, .invalidInput("the inputs have different numbers of items: \(counts.sorted())"))
        }
        var items: [Instance] = []
        for index in 0..<(counts.first ?? 1) {
            switch item(columns.mapValues { $0[index] }) {
            case .success(let instance): items.append(instance)
            case .failure(let error): return ([], counts.first ?? 1, error)
            }
        }
        return (items, items.count, nil)
    }

    /// What is said of tensors without a shape to a model whose requests choose it.
    private static let isOpen = ServingError.invalidInput(
        "the shapes of the model's inputs are open; ask /v2/models/…/infer, where tensors have shapes, or fix them by "
            + "'shape' in model.json"
    )

    private var names: String { ports.inputs.map { "'\($0.name)'" }.joined(separator: ", ") }

    private func unknown(_ name: String) -> ServingError {
        let hint = didYouMean(name, ports.inputs.map(\.name))
        return .invalidInput("unknown input '\(name.clipped(to: 200))'; the model takes \(names)\(hint)")
    }

    /// The inputs of an item, one behind the other.
    private func item(_ values: [String: [Float]]) -> InstanceReader.Read {
        var all: [Float] = []
        for port in ports.inputs {
            guard let numbers = values[port.name] else {
                return .failure(.invalidInput("input '\(port.name)' is missing; the model takes \(names)"))
            }
            all += numbers
        }
        return .success(.tensor(Tensor(shape: [all.count], values: all)))
    }

    private func tensor(
        _ reader: inout JSONPullReader,
        _ port: TensorPort
    ) throws -> Result<[Float], ServingError> {
        var values: [Float] = []
        values.reserveCapacity(min(port.count, 1 << 20))
        let fault = try numbers(&reader, port.dimensions[...], port, into: &values)
        return fault.map { .failure($0) } ?? .success(values)
    }

    /// Appends the numbers of a part of a tensor; what comes next is read whatever it is.
    private func numbers(
        _ reader: inout JSONPullReader,
        _ dimensions: ArraySlice<Int>,
        _ port: TensorPort,
        into values: inout [Float]
    ) throws -> ServingError? {
        guard let extent = dimensions.first else { return try number(&reader, port, into: &values) }
        if dimensions.count == 1, !port.type.isWhole, reader.row(of: extent, into: &values) { return nil }
        guard try reader.kind() == .array else {
            let found = try reader.kind().name
            try reader.skip()
            return shapeFault(port, "an array of \(extent)", found)
        }
        var (fault, count) = (ServingError?.none, 0)
        try reader.array { reader, index in
            count += 1
            guard fault == nil, index < extent else { return try reader.skip() }
            fault = try numbers(&reader, dimensions.dropFirst(), port, into: &values)
        }
        return fault ?? (count == extent ? nil : shapeFault(port, "\(extent)", "\(count)"))
    }

    private func shapeFault(_ port: TensorPort, _ expected: String, _ found: String) -> ServingError {
        .invalidInput("input '\(port.name)' of \(port.dimensions): expected \(expected), found \(found)")
    }

    private func number(
        _ reader: inout JSONPullReader,
        _ port: TensorPort,
        into values: inout [Float]
    ) throws -> ServingError? {
        let value = try reader.value()
        let number: Double
        switch value {
        case .number(let found): number = found
        case .bool(let found) where port.type == .bool: number = found ? 1 : 0
        default: return shapeFault(port, port.type == .bool ? "true or false" : "a number", value.kind)
        }
        guard let exact = port.type.exact(number) else {
            let expected =
                port.type.isWhole ? "a \(port.type.rawValue) that 32-bit floats hold" : "a 32-bit float"
            return shapeFault(port, expected, value.text)
        }
        values.append(exact)
        return nil
    }
}

extension ElementType {
    /// Whether its numbers are whole, or truth values.
    var isWhole: Bool {
        switch self {
        case .f32, .f16, .bf16, .f64, .f8e4m3, .f8e5m2, .c64: false
        case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool: true
        }
    }

    /// The float that stands for a number of this type: for a whole number exactly that; nil where there is none.
    func exact(_ number: Double) -> Float? {
        let float = Float(number)
        guard isWhole else { return float.isFinite ? float : nil }
        let range = self == .bool ? 0...1 : DataType.allCases.first { $0.elementType == self }?.range
        guard let range, range.contains(number), number == number.rounded(), Double(float) == number else {
            return nil
        }
        return float
    }
}
