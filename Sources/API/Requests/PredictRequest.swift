internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support
internal import Tasks

/// The body of `:predict`.
struct PredictRequest {
    /// The most instances that one request may carry.
    static let maxInstances = 1024

    private(set) var instances: [Instance] = []
    /// How many instances the request has, those counted that cannot be read.
    private(set) var count = 1
    /// What is wrong with an instance.
    private(set) var fault: ServingError?
    /// How the predictions are written.
    var form = PredictionForm()
    /// How many steps ahead a regression looks; nil for one, and no list of them.
    private(set) var horizon: Int?
    /// How a model of sequences to sequences decodes; nil for its defaults.
    private(set) var translation: Translator.Options?
    /// From which score on an object is listed, and how much of another it may cover; nil for the model's.
    private(set) var threshold: Double?
    private(set) var overlap: Double?
    private(set) var proposals: Int?
    /// How it goes on from an earlier request; nil when each instance is a whole sequence.
    private(set) var sequence: SequenceParameters?
    /// Whether the instances came as `inputs`, so that the answer has a list for each name, not an object for each instance.
    private(set) var isColumnar = false

    /// Reads what a request sends to a model.
    ///
    /// - Throws: `ServingError` that names what is wrong.
    init(_ request: Request, for model: Model, _ context: RequestContext) throws {
        switch RequestBody.mediaType(request) {
        case _ where model.takesFrames && ImageUpload.isThere(request):
            try readFrames(request, for: model, context)
        case "text/plain":
            let hasMark = request.body.starts(with: "\u{FEFF}".utf8) // as editors put before a text
            let body = request.body.dropFirst(hasMark ? 3 : 0)
            guard let text = String(validating: body, as: UTF8.self) else {
                throw ServingError.badRequest("the body is not valid UTF-8", code: "invalid_utf8")
            }
            // What `echo` and most editors add at the end is not part of the text.
            instances = [.text(text.last?.isNewline == true ? String(text.dropLast()) : text)]
        case "application/json", "application/x-www-form-urlencoded", "":
            try readJSON(request, for: model, context)
        case let type:
            throw ServingError.unsupported(
                "Content-Type '\(type)' is not supported; send application/json or text/plain"
            )
        }
        try check(fits: model)
    }

    /// Reads one clip: the images of a form in their order, with parameters as its fields, or a file alone.
    private mutating func readFrames(
        _ request: Request,
        for model: Model,
        _ context: RequestContext
    ) throws {
        guard case .frames(_, let maxLength) = model.input else { return }
        let upload = try ImageUpload(
            request,
            context,
            parameterNames: Self.parameterNames,
            maxParts: maxLength + MultipartForm.maxParts
        )
        instances = [.clip(try upload.images.map { image throws(ServingError) in try image.get() })]
        var parameters = JSONObject()
        for field in upload.fields {
            // A number and `true` are what they look like, and all else is a string.
            let value = (try? JSONValue(parsing: Array(field.value.utf8))) ?? .string(field.value)
            parameters.append(field.name, value)
        }
        try read(parameters, finds: false)
    }

    private mutating func readJSON(_ request: Request, for model: Model, _ context: RequestContext) throws {
        var lists = (rows: Instances?.none, columns: Instances?.none)
        var found = "nothing"
        var (parameters, signature) = (JSONValue.null, JSONValue.null)
        try RequestBody.read(request, context, known: Self.keys) { reader, name in
            switch name {
            case "instances":
                found = try reader.kind().name
                guard try reader.kind() == .array else { return try reader.skip() }
                lists.rows = try Instances(&reader, InstanceReader(model.input))
            case "inputs": lists.columns = try Self.columns(&reader, InstanceReader(model.input))
            case "parameters": parameters = try reader.value()
            default: signature = try reader.value()
            }
        }
        try ServingSignature.check(signature, of: model)
        if case .tensors(let ports) = model.input, !ports.isBatched, (lists.rows?.count ?? 1) > 1 {
            throw ServingError.badRequest(
                "instances: model '\(model.name)' takes one at a time: its tensors have no batch",
                code: "invalid_json"
            )
        }
        guard let list = lists.rows ?? lists.columns, lists.rows == nil || lists.columns == nil else {
            let message =
                lists.rows == nil
                ? "instances: expected an array, found \(found)"
                : "expected 'instances' or 'inputs', not both"
            throw ServingError.badRequest(message, code: "invalid_json")
        }
        isColumnar = lists.columns != nil
        guard 1...Self.maxInstances ~= list.count else {
            throw ServingError.badRequest(
                "\(isColumnar ? "inputs" : "instances"): expected 1 to \(Self.maxInstances), found \(list.count)",
                code: "invalid_json"
            )
        }
        (instances, count) = (list.instances, list.count)
        fault = list.fault.map { fault in
            // The instance of a lone sequence needs no place.
            if list.count == 1, case .sequence = model.input { return fault }
            return fault.at("instance \(list.instances.count)")
        }
        switch parameters {
        case .null: break
        case .object(let parameters):
            try read(parameters, finds: model.manifest.task == .objectDetection)
        case let other:
            throw ServingError.badRequest(
                "parameters: expected an object, found \(other.kind)",
                code: "invalid_json"
            )
        }
    }

    private static let keys = ["instances", "inputs", "parameters", "signature_name"]

    private static func share(_ name: String, _ value: JSONValue) throws(ServingError) -> Double {
        if case .number(let number) = value, 0...1 ~= number { return number }
        throw .invalidParameter("parameters.\(name)", expected: "a number from 0 to 1", found: value.text)
    }

    /// Reads the parameters; `finds` says whether the model finds objects.
    private mutating func read(_ parameters: JSONObject, finds: Bool) throws {
        sequence = try SequenceParameters(parameters)
        translation = try Translator.Options(parameters)
        let others = SequenceParameters.keys + Translator.Options.keys
        for member in parameters.members where !others.contains(member.key) {
            switch (member.key, member.value) {
            case ("top_k", .number(let value)): form.topK = try Self.count("top_k", value)
            case ("horizon", .number(let value)): horizon = try Self.count("horizon", value)
            case ("scores", .bool(let value)): form.listsScores = value
            case ("threshold", let value) where finds: threshold = try Self.share("threshold", value)
            case ("nms", let value) where finds: overlap = try Self.share("nms", value)
            case ("proposals", .number(let value)) where finds: proposals = try Self.proposals(value)
            case ("top_k", let other), ("scores", let other), ("horizon", let other):
                let expected = member.key == "scores" ? "true or false" : "a whole number of at least 1"
                throw ServingError.invalidParameter(
                    "parameters.\(member.key)",
                    expected: expected,
                    found: other.kind
                )
            case (let name, _):
                throw ServingError.badRequest(
                    "unknown parameter '\(name.clipped(to: 200))'\(didYouMean(name, Self.parameterNames))",
                    code: "unknown_parameter"
                )
            }
        }
        form.listsForecast = horizon != nil
        form.listsAttention = translation?.listsAttention ?? false
    }

    /// Asks for what each token of a translation looked at.
    ///
    /// - Throws: `ServingError` for a model that takes no sequences.
    mutating func listAttention(of model: Model) throws(ServingError) {
        var options = translation ?? Translator.Options()
        options.listsAttention = true
        translation = options
        form.listsAttention = true
        try check(fits: model)
    }

    private static let parameterNames =
        ["top_k", "scores", "horizon", "threshold", "nms", "proposals"] + SequenceParameters.keys
        + Translator.Options.keys

    private static func proposals(_ value: Double) throws(ServingError) -> Int {
        let limits = RegionDescription.limits
        if let count = Int(exactly: value), limits.contains(count) { return count }
        throw .invalidParameter(
            "parameters.proposals",
            expected: "a whole number from 1 to \(limits.upperBound)",
            found: "\(value)"
        )
    }

    private static func count(_ name: String, _ value: Double) throws(ServingError) -> Int {
        if let count = Int(exactly: value), count >= 1 { return count }
        throw .invalidParameter(name, expected: "a whole number of at least 1", found: "\(value)")
    }

    /// Refuses what other tasks take.
    private func check(fits model: Model) throws(ServingError) {
        if case .tensors = model.input, sequence != nil {
            throw .badRequest(
                "model '\(model.name)' takes tensors, and goes on from none",
                code: "wrong_task"
            )
        }
        let takesSequences =
            switch model.input {
            case .image, .regions, .tensors: false
            case .sequence, .frames: true
            }
        guard !takesSequences, sequence == nil else { return }
        let foreign =
            horizon != nil
            ? "horizon"
            : translation != nil && !model.manifest.task.hasTarget
                ? "beams, max_tokens, length_penalty, detail" : nil
        guard let foreign else { return }
        let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
        throw .badRequest(
            "parameters: \(task), which has no \(foreign)",
            code: "invalid_parameter"
        )
    }
}

extension Model {
    fileprivate var takesFrames: Bool { if case .frames = input { true } else { false } }
}

extension Translator.Options {
    static let keys = ["beams", "max_tokens", "length_penalty", "detail"]

    /// What may be told beside a translation.
    enum Detail: String, CaseIterable {
        case attention
    }

    /// Reads the parameters of `:predict` that are for translations; nil when there is none of them.
    ///
    /// - Throws: `ServingError` for a wrong type and a number out of range.
    init?(_ parameters: JSONObject) throws(ServingError) {
        guard parameters.members.contains(where: { Self.keys.contains($0.key) }) else { return nil }
        self.init()
        do throws(FormatError) {
            let fields = JSONFields(path: "parameters", object: parameters)
            beams = try fields.optional("beams")?.integer(in: Self.beamsRange) ?? beams
            maxTokens = try fields.optional("max_tokens")?.integer(in: 1...1 << 16)
            listsAttention = try fields.optional("detail")?.choice(Detail.self) == .attention
            if let reader = fields.optional("length_penalty") {
                lengthPenalty = try reader.number()
                guard Self.penaltyRange.contains(lengthPenalty) else {
                    throw reader.fault("expected a number from 0 to 10, found \(lengthPenalty)")
                }
            }
        } catch {
            throw .badRequest(error.description, code: "invalid_parameter")
        }
    }
}
