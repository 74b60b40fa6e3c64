internal import HTTP
internal import HTTPTypes
internal import Support
internal import Tasks

/// The body of `:generate`.
struct GenerateRequest {
    private static let keys = [
        "prompt", "max_tokens", "temperature", "top_k", "top_p", "seed", "stop", "stream",
    ]
    private static let maxTokens = 1 << 16
    private static let maxStops = 16
    private static let maxStopBytes = 256

    let prompt: String
    /// Whether the text is sent while it is made.
    let isStreamed: Bool
    let options: TextGenerator.Options

    /// - Parameters:
    ///   - request: the whole request.
    ///   - context: whose deadline ends the reading.
    ///   - freshSeed: called when the request has no seed.
    /// - Throws: `ServingError` 400 that names what is wrong, 415 for another type than JSON.
    init(
        _ request: Request,
        _ context: RequestContext,
        freshSeed: () -> UInt64 = Sampler.freshSeed
    ) throws {
        let type = RequestBody.mediaType(request)
        guard ["application/json", "application/x-www-form-urlencoded", ""].contains(type) else {
            throw ServingError.unsupported("Content-Type '\(type)' is not supported; send application/json")
        }
        let object = try RequestBody.object(request, context, known: Self.keys)
        // Clients of other servers send null for what they leave open.
        var given = JSONObject()
        for member in object.members where member.value != .null { given.append(member.key, member.value) }
        do throws(FormatError) {
            let fields = JSONFields(path: "", object: given)
            prompt = try fields.required("prompt").string()
            isStreamed = try fields.optional("stream")?.bool() ?? false
            options = try Self.options(fields, freshSeed)
        } catch {
            throw ServingError.badRequest(error.description, code: "invalid_parameter")
        }
    }

    private static func options(
        _ fields: JSONFields,
        _ freshSeed: () -> UInt64
    ) throws(FormatError) -> TextGenerator.Options {
        let seed = try fields.optional("seed")?.integer(in: 0...Sampler.maxSeed)
        var options = TextGenerator.Options(seed: seed.map(UInt64.init) ?? freshSeed())
        if let reader = fields.optional("max_tokens") {
            options.maxTokens = try reader.integer(in: 1...maxTokens)
        }
        if let reader = fields.optional("temperature") {
            options.sampling.temperature = try number(reader, "a number from 0 to 100") { 0...100 ~= $0 }
        }
        options.sampling.topK = try fields.optional("top_k")?.integer(in: 1...1 << 24)
        if let reader = fields.optional("top_p") {
            options.sampling.topP = try number(reader, "a number above 0, at most 1") { $0 > 0 && $0 <= 1 }
        }
        if let reader = fields.optional("stop") { options.stops = try stops(reader) }
        return options
    }

    private static func number(
        _ reader: JSONReader,
        _ expected: String,
        _ isValid: (Double) -> Bool
    ) throws(FormatError) -> Double {
        let number = try reader.number()
        guard isValid(number) else { throw reader.fault("expected \(expected), found \(number)") }
        return number
    }

    /// One string, or several.
    private static func stops(_ reader: JSONReader) throws(FormatError) -> [String] {
        var readers = [reader]
        if case .array = reader.value { readers = try reader.array() }
        guard readers.count <= maxStops else {
            throw reader.fault("expected at most \(maxStops) strings, found \(readers.count)")
        }
        var stops: [String] = []
        for reader in readers {
            let stop = try reader.string()
            guard 1...maxStopBytes ~= stop.utf8.count else {
                throw reader.fault(
                    "expected a string of 1 to \(maxStopBytes) bytes, found \(stop.utf8.count)"
                )
            }
            stops.append(stop)
        }
        return stops
    }
}
