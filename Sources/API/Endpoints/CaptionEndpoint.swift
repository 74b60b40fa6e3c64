internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    private static let captionQuery: [RouteDescription.Parameter] = [
        .init(
            "beams",
            .integer(
                atLeast: Translator.Options.beamsRange.lowerBound,
                atMost: Translator.Options.beamsRange.upperBound
            ),
            "How many captions are looked at side by side; with more than one all are listed"
        ),
        .init("max_tokens", .integer(atLeast: 1), "How many tokens a caption may have"),
        .init(
            "length_penalty",
            .number(atLeast: 0, atMost: 10),
            "How much longer captions are preferred where there are beams"
        ),
        .init(
            "temperature",
            .number(atLeast: 0, atMost: 100),
            "Tokens are drawn at random; the higher, the less by their probability"
        ),
        .init("top_k", .integer(atLeast: 1), "Tokens are drawn from so many of the likeliest"),
        .init(
            "top_p",
            .number(atLeast: 1e-9, atMost: 1),
            "Tokens are drawn from the likeliest that have this probability together"
        ),
        .init(
            "seed",
            .integer(atLeast: 0, atMost: Sampler.maxSeed),
            "The same seed draws the same tokens of the same image"
        ),
        .init("detail", .choice(["attention"]), "Where the network looked for each token"),
        .pictureFormat("; as PNG the image again and again, with the map of each token"),
        .timeout,
    ]
    private static let captionParameters = captionQuery.map(\.name)
    static let captionDescription = RouteDescription(
        "A sentence for one image or several; or one image with where the network looked for each word",
        query: captionQuery,
        drawsOr: .captions
    )

    var captioner: Captioner { Captioner(classifier, metrics: metrics) }

    /// `POST /v1/models/{model}:caption`: one image or several in, a sentence for each out.
    func caption(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let (upload, parameters, context) = try images(of: call, known: Self.captionParameters)
        var options = try Captioner.Options(parameters)
        let format = try PictureFormat(parameters, of: upload, accept: call.request.accept)
        options.wantsMaps = try parameters.flag("detail", spelled: "attention") || format == .png
        let answer = CaptionAnswer(options)
        let lease = try leaseAnswer(of: upload.images.count * answer.mostBytes(of: model), to: "images")
        // It works as long as a text that is generated.
        let permit = try generations.permit()
        defer { withExtendedLifetime((lease, permit)) {} }
        let results = try await captioner.caption(
            images: upload.images,
            with: model,
            options,
            admission: call.admission,
            context
        )
        guard format == .png else {
            return try pictures(results.map { $0.map(answer.json) }, of: model, isList: upload.isList)
        }
        let found = try results[0].get()
        return try drawing(
            on: upload.images[0].get(),
            side: CaptionAnswer.side,
            size: { answer.size(of: found, on: $0) },
            context
        ) { answer.drawn(found, on: $0) }
    }
}

extension Captioner.Options {
    /// Reads the parameters of `:caption`.
    ///
    /// - Throws: `ServingError` 400 for a number out of range.
    fileprivate init(_ parameters: RequestParameters) throws(ServingError) {
        self.init()
        let (beams, penalties) = (Translator.Options.beamsRange, Translator.Options.penaltyRange)
        if let count = try parameters.number(
            "beams",
            "a whole number from \(beams.lowerBound) to \(beams.upperBound)",
            where: { number in Int(exactly: number).map { beams.contains($0) } ?? false }
        ) {
            writing.beams = Int(count)
        }
        writing.maxTokens = try parameters.positiveInteger("max_tokens")
        writing.lengthPenalty =
            try parameters.number("length_penalty", "a number from 0 to 10") { penalties.contains($0) }
            ?? writing.lengthPenalty
        var rule = Sampler.Rule()
        let temperature = try parameters.number("temperature", "a number from 0 to 100") { 0...100 ~= $0 }
        let share = try parameters.number("top_p", "a number above 0, at most 1") { $0 > 0 && $0 <= 1 }
        rule.topK = try parameters.positiveInteger("top_k")
        let seed = try parameters.number("seed", "a whole number from 0 to \(Sampler.maxSeed)") {
            $0 == $0.rounded() && 0...Double(Sampler.maxSeed) ~= $0
        }
        guard temperature != nil || share != nil || rule.topK != nil || seed != nil else { return }
        (rule.temperature, rule.topP) = (temperature ?? 1, share ?? 1)
        sampling = rule
        self.seed = seed.map { UInt64($0) } ?? Sampler.freshSeed()
    }
}
