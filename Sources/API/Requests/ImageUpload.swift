internal import HTTP
internal import HTTPTypes
internal import Platform
internal import Support

/// The images of a `:classify` request, still encoded, and the form fields that came with them.
///
/// Three forms of body are taken: the image itself, `multipart/form-data`, and JSON with base64. What is an image is told by
/// its bytes, whatever the Content-Type says: clients send any.
struct ImageUpload {
    /// The most images that one request may carry.
    static let maxImages = 64

    /// Encoded images in order; an entry that is not base64 is an error of its own.
    let images: [Result<ArraySlice<UInt8>, ServingError>]
    /// Whether the client sent a list and gets a list of results.
    let isList: Bool
    let fields: [Query.Pair]

    /// Reads a body, a form of which may have `maxParts` parts, fields and all.
    ///
    /// - Throws: `ServingError` that names what is wrong.
    init(
        _ request: Request,
        _ context: RequestContext,
        parameterNames: [String],
        maxParts: Int = MultipartForm.maxParts
    ) throws {
        guard !request.body.isEmpty else {
            throw ServingError.badRequest(
                "the body is empty; send an image, a form, or JSON",
                code: "empty_body"
            )
        }
        let type = RequestBody.mediaType(request)
        if Self.isImage(request.body[...]) {
            self.init(images: [.success(request.body[...])], isList: false)
        } else if type == "multipart/form-data" {
            let type = request.fields[.contentType] ?? ""
            self = try Self(form: type, request.body, parameterNames, maxParts)
        } else if type == "application/json" || type.hasSuffix("+json") || Self.isObject(request.body) {
            self = try Self(json: request, context)
        } else {
            self.init(images: [.success(request.body[...])], isList: false)
        }
    }

    /// Whether a body for a model that takes more than images is one, or a form with some: not JSON, and no text.
    static func isThere(_ request: Request) -> Bool {
        let type = RequestBody.mediaType(request)
        return isImage(request.body[...]) || type == "multipart/form-data" || type.hasPrefix("image/")
            || (type == "application/octet-stream" && !isObject(request.body))
    }

    /// Whether bytes begin as those of an image do, and no text does.
    private static func isImage(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return false }
        return switch first {
        case 0xFF: bytes.starts(with: [0xFF, 0xD8, 0xFF])
        case 0x89: bytes.starts(with: [0x89, 0x50, 0x4E, 0x47])
        case UInt8(ascii: "G"): bytes.starts(with: "GIF8".utf8)
        case UInt8(ascii: "R"):
            bytes.starts(with: "RIFF".utf8) && bytes.dropFirst(8).starts(with: "WEBP".utf8)
        default: false
        }
    }

    /// Whether bytes begin as a JSON object does, behind white space and a byte-order mark: no image does.
    static func isObject(_ bytes: [UInt8]) -> Bool {
        let text = bytes.starts(with: "\u{FEFF}".utf8) ? bytes.dropFirst(3) : bytes[...]
        return text.first { !$0.isBlank && $0 != 0x0A && $0 != 0x0D } == UInt8(ascii: "{")
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

    /// Parts with a file name are images, but for the empty one that a browser sends for a file that was not chosen; others
    /// are fields: parameters, and what the form has for somebody else, such as its token against forgery.
    private init(
        form contentType: String,
        _ body: [UInt8],
        _ parameterNames: [String],
        _ maxParts: Int
    ) throws(ServingError) {
        let form: MultipartForm
        do {
            form = try MultipartForm(contentType: contentType, body: body, maxParts: maxParts)
        } catch {
            throw .badRequest("multipart body: \(error)", code: "invalid_multipart")
        }
        var images: [Result<ArraySlice<UInt8>, ServingError>] = []
        var fields: [Query.Pair] = []
        for part in form.parts {
            if part.filename == nil, !Self.isImage(part.body) {
                guard let name = part.name, nearestName(to: name, in: parameterNames) != nil else { continue }
                // What is nearly a parameter is meant to be one, and told so as it is in a query.
                fields.append(Query.Pair(name: name, value: String(decoding: part.body, as: UTF8.self)))
            } else if !part.body.isEmpty || part.filename?.isEmpty == false {
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
