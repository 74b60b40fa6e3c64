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

    init(_ request: Request, _ context: RequestContext, parameterNames: [String]) throws {
        try RequestBody.checkEncoding(request)
        guard !request.body.isEmpty else {
            throw ServingError.badRequest(
                "the body is empty; send an image, a form, or JSON",
                code: "empty_body"
            )
        }
        let contentType = request.fields[.contentType] ?? ""
        let mediaType = RequestBody.mediaType(request)
        switch mediaType {
        case "multipart/form-data":
            self = try Self(form: contentType, request.body, parameterNames)
        case "application/json":
            self = try Self(json: request, context)
        case "application/x-www-form-urlencoded" where request.body.first == UInt8(ascii: "{"):
            self = try Self(json: request, context) // what curl says of --data
        case "", "application/octet-stream", "application/x-www-form-urlencoded":
            self.init(images: [.success(request.body[...])], isList: false)
        case let type where type.hasPrefix("image/"):
            self.init(images: [.success(request.body[...])], isList: false)
        default:
            throw ServingError.unsupported(
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
    private init(json request: Request, _ context: RequestContext) throws {
        var single: Result<ArraySlice<UInt8>, ServingError>?
        var list: [Result<ArraySlice<UInt8>, ServingError>]?
        var count = 0
        try RequestBody.read(request, context, known: ["image", "images"]) { reader, name in
            if name == "image" {
                single = try InstanceReader.base64(&reader)
            } else if try reader.kind() == .array {
                var images: [Result<ArraySlice<UInt8>, ServingError>] = []
                try reader.array { reader, index in
                    count += 1
                    guard index < Self.maxImages else { return try reader.skip() }
                    images.append(
                        try InstanceReader.base64(&reader).mapError { $0.named("images[\(index)]") }
                    )
                }
                list = images
            } else {
                try reader.skip()
                throw ServingError.badRequest(
                    "images: expected an array of base64 strings",
                    code: "invalid_json"
                )
            }
        }
        switch (single, list) {
        case (let image?, nil):
            self.init(images: [.success(try image.mapError { $0.named("image") }.get())], isList: false)
        case (nil, let images?):
            guard (1...Self.maxImages).contains(count) else {
                throw ServingError.badRequest(
                    "images: expected 1 to \(Self.maxImages) images, found \(count)",
                    code: "invalid_json"
                )
            }
            self.init(images: images, isList: true)
        default:
            throw ServingError.badRequest(
                "expected either the key 'image' or the key 'images'",
                code: "invalid_json"
            )
        }
    }
}

extension ServingError {
    /// The error of a base64 string under another name.
    fileprivate func named(_ name: String) -> ServingError {
        guard case .invalid(let code, let message) = self else { return self }
        return .invalid(code: code, name + message.dropFirst("b64".count))
    }
}
