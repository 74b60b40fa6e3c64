internal import Engine
internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support

/// The outputs of a network as TensorFlow Serving writes them: nested as their shapes are, under their names where there is
/// more than one, in an object for each item or in a list for each name.
struct TensorPredictions {
    private let ports: NetworkPorts
    /// Those of each item, one behind the other.
    private let outputs: [[Float]]

    init(_ ports: NetworkPorts, _ outputs: [[Float]]) { (self.ports, self.outputs) = (ports, outputs) }

    /// - Throws: `ServingError` 500 for a number that JSON has no form for.
    func response(isColumnar: Bool) throws(ServingError) -> Response {
        var body: [UInt8] = []
        if isColumnar {
            body += Array(#"{"outputs":"#.utf8)
            try writeNamed(to: &body) { (index, body) throws(ServingError) in
                guard ports.isBatched else { return try write(0, index, to: &body) }
                try Self.list(outputs.count, to: &body) { (item, body) throws(ServingError) in
                    try write(item, index, to: &body)
                }
            }
        } else {
            body += Array(#"{"predictions":"#.utf8)
            try Self.list(outputs.count, to: &body) { (item, body) throws(ServingError) in
                try writeNamed(to: &body) { (index, body) throws(ServingError) in
                    try write(item, index, to: &body)
                }
            }
        }
        body += Array("}\n".utf8)
        return Response(fields: [.contentType: "application/json"], body: body)
    }

    /// The outputs of an item as a tree, for small ones.
    ///
    /// - Throws: as `response`.
    static func json(_ outputs: [Float], of model: Model) throws(ServingError) -> JSONValue {
        guard case .tensors(let ports) = model.head else { throw .internalError("no tensors") }
        var body: [UInt8] = []
        let predictions = TensorPredictions(ports, [outputs])
        try predictions.writeNamed(to: &body) { (index, body) throws(ServingError) in
            try predictions.write(0, index, to: &body)
        }
        do throws(JSONError) {
            return try JSONValue(parsing: body)
        } catch {
            throw .internalError("outputs that are no JSON: \(error.description)")
        }
    }

    private func writeNamed(
        to body: inout [UInt8],
        _ write: (Int, inout [UInt8]) throws(ServingError) -> Void
    ) throws(ServingError) {
        guard ports.outputs.count > 1 else { return try write(0, &body) }
        for (index, port) in ports.outputs.enumerated() {
            body.append(UInt8(ascii: index == 0 ? "{" : ","))
            JSONValue.string(port.name).write(to: &body)
            body.append(UInt8(ascii: ":"))
            try write(index, &body)
        }
        body.append(UInt8(ascii: "}"))
    }

    /// Writes an output of an item.
    private func write(_ item: Int, _ index: Int, to body: inout [UInt8]) throws(ServingError) {
        let port = ports.outputs[index]
        let numbers = ports.parts(of: outputs[item])[index]
        if let place = numbers.firstIndex(where: { !$0.isFinite }) {
            throw Self.notFinite(place - numbers.startIndex, of: port)
        }
        try Self.write(numbers, port.dimensions[...], isBool: port.type == .bool, to: &body)
    }

    /// What a client is told of a number that JSON has no form for.
    static func notFinite(_ place: Int, of port: TensorPort) -> ServingError {
        let message = "number \(place) of the output '\(port.name)' is not finite, for which JSON has no form"
        return .internalError("\(message); ask for it in binary, through /v2", code: "not_finite")
    }

    private static func write(
        _ numbers: ArraySlice<Float>,
        _ dimensions: ArraySlice<Int>,
        isBool: Bool,
        to body: inout [UInt8]
    ) throws(ServingError) {
        guard let extent = dimensions.first else {
            guard let number = numbers.first else { return }
            return (isBool ? JSONValue.bool(number != 0) : .float(number)).write(to: &body)
        }
        let size = extent > 0 ? numbers.count / extent : 0
        try list(extent, to: &body) { (index, body) throws(ServingError) in
            let start = numbers.startIndex + index * size
            try write(numbers[start..<start + size], dimensions.dropFirst(), isBool: isBool, to: &body)
        }
    }

    private static func list(
        _ count: Int,
        to body: inout [UInt8],
        _ write: (Int, inout [UInt8]) throws(ServingError) -> Void
    ) throws(ServingError) {
        body.append(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            try write(index, &body)
        }
        body.append(UInt8(ascii: "]"))
    }
}
