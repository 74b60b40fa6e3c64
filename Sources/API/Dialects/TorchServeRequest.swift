internal import HTTP
internal import HTTPTypes
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The body of `/predictions/{model}`: the image or the text itself, a form with `data` or `body`, or JSON.
///
/// The bytes decide where the Content-Type does not: `curl -T` sends none and `curl --data-binary` that of a form.
struct TorchServeRequest {
    private static let names = ["data", "body"]

    private(set) var instances: [Instance] = []
    /// Whether several files were sent.
    var isList: Bool { instances.count > 1 }

    /// - Throws: `ServingError` that names what is wrong.
    init(_ request: Request, for model: Model, _ context: RequestContext) throws {
        guard !request.body.isEmpty else {
            throw ServingError.badRequest("the body is empty; send an image or a text", code: "empty_body")
        }
        let form = InstanceReader(model.input)
        switch RequestBody.mediaType(request) {
        case "multipart/form-data": try read(form: request, form)
        case "application/x-www-form-urlencoded"
        where Self.names.contains { request.body.starts(with: "\($0)=".utf8) }:
            try read(pairs: request, form)
        case "application/json": instances = [try Self.json(request.body[...], form)]
        default: instances = [try Self.instance(request.body[...], form)]
        }
    }

    /// Each part is an instance, whatever it is called.
    private mutating func read(form request: Request, _ reader: InstanceReader) throws {
        let form: MultipartForm
        do {
            form = try MultipartForm(contentType: request.fields[.contentType] ?? "", body: request.body)
        } catch {
            throw ServingError.badRequest("multipart body: \(error)", code: "invalid_multipart")
        }
        guard !form.parts.isEmpty else {
            throw ServingError.badRequest("the form has no part; send one named 'data'", code: "no_data")
        }
        for (index, part) in form.parts.enumerated() {
            do {
                instances.append(try Self.instance(part.body, reader))
            } catch let error as ServingError {
                throw form.parts.count == 1 ? error : error.at("instance \(index)")
            }
        }
    }

    /// `data=…`, as a browser's form or `curl -d` sends it.
    private mutating func read(pairs request: Request, _ form: InstanceReader) throws {
        let body = request.body
        let query: Query
        do {
            query = try Query(decoding: body.span)
        } catch {
            throw ServingError.badRequest("the form is not encoded as one", code: "invalid_form")
        }
        guard let value = query.pairs.first(where: { Self.names.contains($0.name) })?.value else { return }
        instances = [
            form.inputName == "image_bytes"
                ? try Self.json(Array(JSONValue.string(value).encoded)[...], form)
                : try Self.instance(Array(value.utf8)[...], form)
        ]
    }

    /// An image or a text as it is; anything else in JSON.
    private static func instance(_ bytes: ArraySlice<UInt8>, _ form: InstanceReader) throws -> Instance {
        let isObject = bytes.first == UInt8(ascii: "{")
        switch form.inputName {
        case "image_bytes" where !isObject: return .image(bytes)
        case "text" where !isObject:
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ServingError.badRequest("the body is not valid UTF-8", code: "invalid_utf8")
            }
            // What `echo` and most editors add at the end is not part of the text.
            return .text(text.last?.isNewline == true ? String(text.dropLast()) : text)
        default: return try json(bytes, form)
        }
    }

    /// An instance, or one under `data` or `body`; an image in base64.
    private static func json(_ bytes: ArraySlice<UInt8>, _ form: InstanceReader) throws -> Instance {
        do {
            var reader = JSONPullReader(Array(bytes))
            var read: InstanceReader.Read?
            if try reader.kind() == .object, form.tensors == nil {
                try reader.object { reader, name in
                    guard names.contains(name), read == nil else {
                        let message = "unknown key '\(name.clipped(to: 200))'; expected 'data'"
                        read = read ?? .failure(.badRequest(message, code: "unknown_key"))
                        return try reader.skip()
                    }
                    read = try form.readEncoded(&reader)
                }
            } else {
                read = try form.readEncoded(&reader)
            }
            try reader.end()
            guard let read else {
                throw ServingError.badRequest(
                    "expected a key 'data', found an empty object",
                    code: "invalid_json"
                )
            }
            return try read.get()
        } catch let error as JSONError {
            throw ServingError.badRequest("the body is \(error.description)", code: "invalid_json")
        }
    }
}

extension InstanceReader {
    /// Reads an instance; an image as a string of base64 too.
    func readEncoded(_ reader: inout JSONPullReader) throws -> Read {
        guard inputName == "image_bytes", try reader.kind() == .string else { return try read(&reader) }
        return try Self.base64(&reader).map(Instance.image)
    }
}
