internal import Engine
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The tensors of a request as the items of a network that takes any.
enum TensorItems {
    /// The items: every input of the network has to be there, all of one batch.
    ///
    /// - Throws: `ServingError` 400 for a tensor that is not the network's, 503 when there is no memory.
    static func items(
        _ request: InferRequest,
        _ body: [UInt8],
        _ ports: NetworkPorts,
        _ budget: MemoryBudget
    ) throws(ServingError) -> ([Instance], MemoryLease) {
        var batch: Int?
        try checkNames(request, ports)
        let readers = try ports.inputs.map { port throws(ServingError) in
            let input = try input(for: port, of: request)
            let found = try batchSize(of: input, port, isBatched: ports.isBatched)
            guard batch ?? found == found else {
                throw InferRequest.fault(
                    "input '\(port.name)': expected a batch of \(batch ?? 1), found \(found)"
                )
            }
            batch = found
            return (port, InputReader(input: input, body: body, lengths: nil))
        }
        let (count, size) = (batch ?? 1, ports.inputs.reduce(0) { $0 + $1.count })
        let lease = try budget.require(2 * count * size * ElementType.f32.size, for: .tensors)
        let columns = try readers.map { port, reader throws(ServingError) in try reader.exactNumbers(port) }
        let full = ServingError.memoryFull(wanted: count * size * 4, limit: budget.limit)
        let all = try Tensor(shape: [count, size], outOfMemory: { _ in full }) {
            (target: inout MutableSpan<Float>) throws(ServingError) in
            var place = 0
            for item in 0..<count {
                for column in columns {
                    let width = column.count / count
                    for index in item * width..<(item + 1) * width {
                        target[place] = column[index]
                        place += 1
                    }
                }
            }
        }
        return (all.items.map(Instance.tensor), lease)
    }

    /// Requires that a request has the inputs of a network and no others, in types that these may have.
    ///
    /// - Throws: `ServingError` 400 that names the one that is not so.
    static func check(_ request: InferRequest, _ ports: NetworkPorts) throws(ServingError) {
        try checkNames(request, ports)
        for port in ports.inputs { _ = try input(for: port, of: request) }
    }

    private static func checkNames(_ request: InferRequest, _ ports: NetworkPorts) throws(ServingError) {
        let names = ports.inputs.map(\.name)
        if let other = request.inputs.first(where: { !names.contains($0.name) }) {
            let known = names.joined(separator: ", ")
            throw InferRequest.fault(
                "unexpected inference input '\(other.name.clipped(to: 200))'; the model takes \(known)"
            )
        }
    }

    private static func input(
        for port: TensorPort,
        of request: InferRequest
    ) throws(ServingError) -> InferRequest.Input {
        guard let input = request.inputs.first(where: { $0.name == port.name }) else {
            throw InferRequest.fault("expected the input '\(port.name)', found none")
        }
        let isFitting =
            switch port.type {
            case .bool: input.dataType == .bool
            case _ where port.type.isWhole: input.dataType.isInteger
            default: input.dataType.isNumber
            }
        guard isFitting else {
            let expected = DataType.allCases.first { $0.elementType == port.type }?.rawValue ?? "FP32"
            throw InferRequest.fault(
                "input '\(port.name)': expected datatype \(expected), found \(input.dataType.rawValue)"
            )
        }
        return input
    }

    /// How many items an input has.
    private static func batchSize(
        of input: InferRequest.Input,
        _ port: TensorPort,
        isBatched: Bool
    ) throws(ServingError) -> Int {
        let shape = isBatched ? Array(input.shape.dropFirst()) : input.shape
        guard shape == port.dimensions, !isBatched || !input.shape.isEmpty else {
            let expected = ((isBatched ? [-1] : []) + port.dimensions).map(String.init).joined(
                separator: ", "
            )
            throw InferRequest.fault(
                "input '\(port.name)': expected shape [\(expected)], found \(input.shape)"
            )
        }
        guard isBatched else { return 1 }
        guard 1...ModelTensors.maxBatch ~= input.shape[0] else {
            let expected = "expected a batch of 1 to \(ModelTensors.maxBatch)"
            throw InferRequest.fault("input '\(port.name)': \(expected), found shape \(input.shape)")
        }
        return input.shape[0]
    }
}

extension InputReader {
    /// The numbers of the input for a port: whole ones are exactly those that were sent.
    func exactNumbers(_ port: TensorPort) throws(ServingError) -> [Float] {
        func fault(_ index: Int, _ found: String) -> ServingError {
            InferRequest.fault(
                "input '\(input.name)', number \(index): \(found) is no \(port.type.rawValue) that 32-bit floats hold"
            )
        }
        guard port.type.isWhole, case .bytes(let range) = input.data,
            let size = input.dataType.elementType?.size
        else {
            let numbers = try numbers()
            guard port.type.isWhole else { return numbers }
            for (index, number) in numbers.enumerated() where port.type.exact(Double(number)) == nil {
                throw fault(index, "\(number)")
            }
            return numbers
        }
        let isSigned = [.int8, .int16, .int32, .int64].contains(input.dataType)
        var numbers: [Float] = []
        numbers.reserveCapacity(input.count)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
            var bits: UInt64 = 0
            for byte in 0..<size { bits |= UInt64(body[start + byte]) << UInt64(8 * byte) }
            let shift = UInt64(64 - 8 * size)
            let number = isSigned ? Double(Int64(bitPattern: bits << shift) >> Int64(shift)) : Double(bits)
            guard let exact = port.type.exact(number) else { throw fault(numbers.count, "\(number)") }
            numbers.append(exact)
        }
        return numbers
    }
}
