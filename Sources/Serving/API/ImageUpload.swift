internal import FoundationEssentials
internal import HTTP
internal import HTTPTypes
internal import Support

/// The images of a `:classify` request, still encoded, and the form fields that came with them.
///
/// Three forms of body are taken: the image itself, `multipart/form-data`, and JSON with base64.
struct ImageUpload {
    /// The most images that one request may carry.
    static let maxImages = 64

    /// Encoded images in order; an entry that is not base64 is an error of its own.
    let images: [Result<ArraySlice<UInt8>, ServingError>]
    /// Whether the client sent a list and gets a list of results.
    let isList: Bool
    let fields: [Query.Pair]

    init(_ request: Request, parameterNames: [String]) throws(ServingError) {
        try Self.checkEncoding(request)
        guard !request.body.isEmpty else {
            throw .badRequest("the body is empty; send an image, a form, or JSON", code: "empty_body")
        }
        let contentType = request.fields[.contentType] ?? ""
        let mediaType = Self.mediaType(contentType)
        switch mediaType {
        case "multipart/form-data":
            self = try Self(form: contentType, request.body, parameterNames)
        case "application/json":
            self = try Self(json: request.body)
        case "application/x-www-form-urlencoded" where request.body.first == UInt8(ascii: "{"):
            self = try Self(json: request.body) // what curl says of --data
        case "", "application/octet-stream", "application/x-www-form-urlencoded":
            self.init(images: [.success(request.body[...])], isList: false)
        case let type where type.hasPrefix("image/"):
            self.init(images: [.success(request.body[...])], isList: false)
        default:
            throw .unsupported(
                "Content-Type '\(mediaType)' is not supported; send image/jpeg, image/png, application/octet-stream,"
                    + " multipart/form-data or application/json"
            )
        }
    }

    private init(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        isList: Bool,
        fields: [Query.Pair] = []
    ) {
        self.images = images
        self.isList = isList
        self.fields = fields
    }

    /// Parts named as parameters are parameters; every other part is an image.
    private init(form contentType: String, _ body: [UInt8], _ parameterNames: [String]) throws(ServingError) {
        let form: MultipartForm
        do {
            form = try MultipartForm(contentType: contentType, body: body)
        } catch {
            throw .badRequest("multipart body: \(error)", code: "invalid_multipart")
        }
        var images: [Result<ArraySlice<UInt8>, ServingError>] = []
        var fields: [Query.Pair] = []
        for part in form.parts {
            if part.filename == nil, let name = part.name, parameterNames.contains(name) {
                fields.append(Query.Pair(name: name, value: String(decoding: part.body, as: UTF8.self)))
            } else {
                images.append(.success(part.body))
            }
        }
        guard !images.isEmpty else {
            throw .badRequest("the form has no image; send it as a file part", code: "no_image")
        }
        self.init(images: images, isList: images.count > 1, fields: fields)
    }

    /// `{"image": "<base64>"}` or `{"images": ["<base64>", …]}`.
    private init(json body: [UInt8]) throws(ServingError) {
        let members = try JSONObject(body: body, known: ["image", "images"])
        switch (members["image"], members["images"]) {
        case (let image?, nil):
            self.init(images: [.success(try Self.base64(image, at: "image"))], isList: false)
        case (nil, .array(let images)?):
            try self.init(list: images)
        case (nil, _?):
            throw .badRequest("images: expected an array of base64 strings", code: "invalid_json")
        default:
            throw .badRequest("expected either the key 'image' or the key 'images'", code: "invalid_json")
        }
    }

    private init(list images: [JSONValue]) throws(ServingError) {
        guard (1...Self.maxImages).contains(images.count) else {
            throw .badRequest(
                "images: expected 1 to \(Self.maxImages) images, found \(images.count)",
                code: "invalid_json"
            )
        }
        let decoded = images.enumerated().map { index, image in
            Result { () throws(ServingError) in try Self.base64(image, at: "images[\(index)]") }
        }
        self.init(images: decoded, isList: true)
    }

    /// An image among the instances of `:predict`, in TensorFlow Serving's form: `{"b64": "…"}`, or the same under
    /// `image_bytes`.
    static func instance(_ value: JSONValue, at place: String) throws(ServingError) -> ArraySlice<UInt8> {
        guard let encoded = value["b64"] ?? value["image_bytes"]?["b64"] else {
            let expected = #"{"b64": "…"} (the model takes images)"#
            throw .invalidInput("\(place): expected \(expected), found \(value.kind)")
        }
        return try base64(encoded, at: "\(place): b64")
    }

    /// The bytes of a base64 string (RFC 4648 §4); a `data:` URL's prefix is skipped.
    static func base64(_ value: JSONValue, at path: String) throws(ServingError) -> ArraySlice<UInt8> {
        guard case .string(let text) = value else {
            throw .badRequest("\(path): expected a base64 string", code: "invalid_base64")
        }
        var encoded = text[...]
        if encoded.hasPrefix("data:"), let comma = encoded.firstIndex(of: ",") {
            encoded = encoded[encoded.index(after: comma)...]
        }
        guard let data = Data(base64Encoded: String(encoded)) else {
            throw .badRequest("\(path): not valid base64", code: "invalid_base64")
        }
        return [UInt8](data)[...]
    }

    /// Bodies are taken as they are, not compressed.
    static func checkEncoding(_ request: Request) throws(ServingError) {
        guard let encoding = request.fields[.contentEncoding], encoding.lowercased() != "identity" else {
            return
        }
        throw .unsupported("Content-Encoding '\(encoding)' is not supported; send the body as it is")
    }

    /// The lower-cased type of a Content-Type field, without its parameters.
    static func mediaType(_ contentType: String) -> String {
        let type = contentType.prefix { $0 != ";" }
        return type.filter { !$0.isWhitespace }.lowercased()
    }
}
