internal import HTTP
internal import HTTPTypes
internal import Support

/// The answer to an inference request: JSON, with the outputs that are wanted in binary behind it.
///
/// - Source: Open Inference Protocol, REST, "Inference Response JSON Object"; Triton's `extension_binary_data.md`.
struct InferAnswer {
    let model: String
    let version: String
    /// The client's name for the request.
    let id: String?
    /// What is told beside the outputs.
    var parameters = JSONObject()
    var outputs: [(name: String, tensor: OutputTensor, isBinary: Bool)] = []

    /// The answer on the wire.
    var response: Response {
        var head = JSONObject()
        head.append("id", id.map(JSONValue.string))
        head.append("model_name", .string(model))
        head.append("model_version", .string(version))
        if !parameters.members.isEmpty { head.append("parameters", .object(parameters)) }
        var body = JSONValue.object(head).encoded
        body.removeLast()
        body += #","outputs":["#.utf8
        for (index, output) in outputs.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            Self.write(output.name, output.tensor, isBinary: output.isBinary, to: &body)
        }
        body += "]}".utf8
        guard outputs.contains(where: \.isBinary) else {
            return Response(fields: [.contentType: "application/json"], body: body)
        }
        let fields: HTTPFields = [
            .contentType: "application/octet-stream", .inferenceHeaderLength: String(body.count),
        ]
        body.reserveCapacity(body.count + outputs.reduce(0) { $0 + ($1.isBinary ? $1.tensor.byteCount : 0) })
        for output in outputs where output.isBinary { output.tensor.writeBinary(to: &body) }
        return Response(fields: fields, body: body)
    }

    private static func write(_ name: String, _ tensor: OutputTensor, isBinary: Bool, to body: inout [UInt8])
    {
        let description: JSONObject = [
            "name": .string(name), "datatype": .string(tensor.dataType.rawValue),
            "shape": .array(tensor.shape.map(JSONValue.integer)),
        ]
        body += JSONValue.object(description).encoded.dropLast()
        if isBinary {
            body += #","parameters":{"binary_data_size":\#(tensor.byteCount)}}"#.utf8
        } else {
            body += #","data":"#.utf8
            tensor.writeJSON(to: &body)
            body.append(UInt8(ascii: "}"))
        }
    }
}

extension HTTPField.Name {
    /// How many bytes of JSON a body begins with.
    static let inferenceHeaderLength =
        HTTPField.Name("Inference-Header-Content-Length") ?? .server // a token: never the alternative
}
