internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// What `:detect`, `:segment`, `:caption` and `:explain` answer with.
enum PictureFormat: String, CaseIterable {
    case json, png

    /// The format that is asked for by name, else the one that a client would rather have by its `Accept`.
    init(_ parameters: RequestParameters, accept: String?) throws(ServingError) {
        if let named = try parameters.choice("format", of: Self.self) {
            self = named
        } else {
            let types = ["application/json", PNGEncoder.mediaType]
            self = MediaPreference.choice(accept, among: types) == 1 ? .png : .json
        }
    }

    /// The same, of a verb that draws: there must be one image then.
    init(
        _ parameters: RequestParameters,
        of upload: ImageUpload,
        accept: String?
    ) throws(ServingError) {
        self = try PictureFormat(parameters, accept: accept)
        guard self == .png, upload.images.count != 1 else { return }
        throw .badRequest(
            "expected one image, found \(upload.images.count); each is drawn by a request of its own",
            code: "one_image"
        )
    }
}

extension RouteDescription.Parameter {
    /// JSON or a picture; what a `picture` is more than that it is one.
    static func pictureFormat(_ picture: String = "") -> Self {
        let formats = PictureFormat.allCases.map(\.rawValue)
        return Self("format", .choice(formats), "What the answer is, whatever `Accept` says\(picture)")
    }
}

extension RouteDescription {
    /// A verb that answers images with JSON of a schema, or one image with a picture.
    init(_ summary: String, query: [Parameter], drawsOr schema: Schema) {
        self.init(
            summary,
            query: query,
            takes: Content.image + [.json(.imagesInJSON), .form(.imageForm)],
            answers: .init(content: [.json(schema), .init(type: PNGEncoder.mediaType, schema: .bytes)])
        )
    }
}

extension Service {
    /// The longest side of a picture on which something is drawn.
    static let pictureSide = 1024

    /// One answer as it is, several as a list in which each that failed has its own error.
    func pictures(
        _ results: [Result<JSONObject, ServingError>],
        of model: Model,
        isList: Bool
    ) throws(ServingError) -> Response {
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        if isList {
            let entries = results.map { result in
                switch result {
                case .success(let entry): JSONValue.object(entry)
                case .failure(let error): JSONValue.object(error.json)
                }
            }
            json.append("results", .array(entries))
        } else {
            json.append(contentsOf: try results[0].get())
        }
        return Response(json: json).varying
    }

    /// The upright image, with no more than `side` pixels on a side, with something drawn on it or made of it.
    ///
    /// - Parameters:
    ///   - bytes: of the image file.
    ///   - side: the most pixels of the image's height and width.
    ///   - size: of what is drawn; the image's unless it says otherwise.
    ///   - context: the request.
    ///   - draw: makes the picture of the image.
    /// - Returns: the PNG.
    /// - Throws: `ServingError` 503 when there is no memory for it, and what reading the image throws.
    func drawing(
        on bytes: ArraySlice<UInt8>,
        side: Int = pictureSide,
        size: (Image) -> ImageSize = { ImageSize(height: $0.height, width: $0.width) },
        _ context: RequestContext,
        _ draw: (Image) -> Image
    ) throws -> Response {
        let picture = try ImageExplainer(classifier).picture(of: bytes, side: side, context)
        let lease = try leasePicture(size(picture))
        defer { withExtendedLifetime(lease) {} }
        return try png(draw(picture))
    }

    /// Leases what drawing and writing a picture takes.
    func leasePicture(_ size: ImageSize) throws(ServingError) -> MemoryLease {
        let pixels = size.height * size.width * 3
        return try budget.require(2 * pixels + PNGEncoder.mostBytes(size, channels: 3), for: .answers)
    }

    func png(_ image: Image) throws(ServingError) -> Response {
        do throws(ImageError) {
            let file = try PNGEncoder.encode(image)
            return Response(fields: [.contentType: PNGEncoder.mediaType], body: file).varying
        } catch {
            throw .memoryFull(wanted: image.pixels.count, limit: budget.limit)
        }
    }
}
