internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support
internal import Tasks

/// The body of a call in Hugging Face's form: `{"inputs", "parameters"?, "stream"?}`, or the image or the text itself.
///
/// Clients name a type by the file's ending or not at all, so the bytes decide what it is.
struct HuggingFaceRequest {
    private static let keys = ["inputs", "parameters", "options", "stream"]

    private(set) var instances: [Instance] = []
    /// Whether `inputs` was a list.
    private(set) var isList = false
    private(set) var isStreamed = false
    private(set) var parameters = JSONObject()

    /// - Throws: `ServingError` that names what is wrong.
    init(_ request: Request, for model: Model, _ context: RequestContext) throws {
        guard let first = request.body.first(where: { !" \t\r\n".utf8.contains($0) }) else {
            throw ServingError.badRequest("the body is empty; send JSON with 'inputs'", code: "empty_body")
        }
        let form = InstanceReader(model.input)
        switch form.inputName {
        case _ where first == UInt8(ascii: "{"): try readJSON(request, form, context)
        case "image_bytes": instances = [.image(request.body[...])]
        case "text" where RequestBody.mediaType(request) == "text/plain":
            guard let text = String(validating: request.body, as: UTF8.self) else {
                throw ServingError.badRequest("the body is not valid UTF-8", code: "invalid_utf8")
            }
            instances = [.text(text)]
        default: throw ServingError.badRequest("expected a JSON object with 'inputs'", code: "invalid_json")
        }
    }

    private mutating func readJSON(_ request: Request, _ form: InstanceReader, _ context: RequestContext)
        throws
    {
        var (instances, fault, count): ([Instance], ServingError?, Int?) = ([], nil, nil)
        var (parameters, streams, isList) = (JSONValue.null, JSONValue.null, false)
        // A list of texts or images is several; of numbers it is one sequence.
        let mayBeSeveral = ["image_bytes", "text"].contains(form.inputName)
        try RequestBody.read(request, context, known: Self.keys) { reader, name in
            switch name {
            case "inputs" where try mayBeSeveral && reader.kind() == .array:
                isList = true
                count = 0
                try reader.array { reader, index in
                    count = index + 1
                    guard fault == nil, index < PredictRequest.maxInstances else { return try reader.skip() }
                    switch try form.readEncoded(&reader) {
                    case .success(let instance): instances.append(instance)
                    case .failure(let error): fault = error.at("inputs[\(index)]")
                    }
                }
            case "inputs":
                count = 1
                switch try form.readEncoded(&reader) {
                case .success(let instance): instances.append(instance)
                case .failure(let error): fault = error.at("inputs")
                }
            case "parameters": parameters = try reader.value()
            case "stream": streams = try reader.value()
            default: try reader.skip()
            }
        }
        guard let count, 1...PredictRequest.maxInstances ~= count else {
            let expected = "1 to \(PredictRequest.maxInstances)"
            let message = "inputs: expected \(expected), found \(count.map(String.init) ?? "nothing")"
            throw ServingError.badRequest(message, code: "invalid_json")
        }
        if let fault { throw fault }
        (self.instances, self.isList) = (instances, isList)
        switch streams {
        case .null: break
        case .bool(let value): isStreamed = value
        default: throw ServingError.invalidParameter("stream", expected: "true or false", found: streams.kind)
        }
        switch parameters {
        case .null: break
        case .object(let object):
            // The client sends null for what its caller leaves open.
            for member in object.members where member.value != .null {
                self.parameters.append(member.key, member.value)
            }
        default:
            throw ServingError.invalidParameter("parameters", expected: "an object", found: parameters.kind)
        }
    }

    /// The parameters, all of which have to be known.
    func parameters(known: [String]) throws(ServingError) -> JSONObject {
        try parameters.checked(known)
    }
}

extension JSONObject {
    /// Requires that every name is known.
    func checked(_ known: [String]) throws(ServingError) -> JSONObject {
        if let member = members.first(where: { !known.contains($0.key) }) {
            let name = member.key
            let message = "unknown parameter '\(name.clipped(to: 200))'\(didYouMean(name, known))"
            throw .badRequest(message, code: "unknown_parameter")
        }
        return self
    }
}
