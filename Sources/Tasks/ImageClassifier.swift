internal import Engine
package import Platform
package import Imaging
package import Inference
package import Models
package import Support

/// The way of images to their classes: decode, preprocess, run, average.
///
/// The engine admits a request before anything is decoded. Decoding and preparing happen on the caller's lane, which has a
/// thread for each CPU; a bad image ends there and spoils only its own result. Whatever the request holds is leased from
/// the budget first, and everything stops once nobody waits for it.
package struct ImageClassifier: Sendable {
    /// Crops that run together: of one image or of several.
    private struct Hand {
        var items: [Tensor] = []
        /// Which of the images that were decoded each is of.
        var owners: [Int] = []
        var values = 0
        /// The bytes of the values.
        var lease: MemoryLease?

        var isFull: Bool { items.count >= itemsAtATime || values >= valuesAtATime }
    }

    private static let itemsAtATime = 64
    /// In numbers of 4 bytes: 64 crops of 224×224, or one image that is served at a size of its own.
    private static let valuesAtATime = 64 * 3 * 224 * 224

    /// So many pixels and numbers of crops are made wherever the request has begun, be it an event loop.
    private static let quickValues = 16_384

    let scheduler: Scheduler
    let limits: ImageLimits
    let budget: MemoryBudget?

    /// - Parameters:
    ///   - scheduler: the engine.
    ///   - limits: what is refused before it is decoded.
    ///   - budget: what its images and crops are leased from.
    package init(
        scheduler: Scheduler,
        limits: ImageLimits,
        budget: MemoryBudget? = nil
    ) {
        self.scheduler = scheduler
        self.limits = limits
        self.budget = budget
    }

    /// Classifies one image.
    ///
    /// - Throws: `ServingError` 400 when the model takes no images, 413 for an image that is too large, 422 for bytes
    ///   that are no image, and what `Scheduler.infer` throws.
    package func classify(
        _ bytes: ArraySlice<UInt8>,
        with model: Model,
        _ options: Options = Options(),
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> Answer {
        try await classify(images: [.success(bytes)], with: model, options, context)[0].get()
    }

    /// Classifies several images as one request, in order; their crops run together.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - model: one that takes images.
    ///   - options: what is asked for.
    ///   - admission: the request's place at the engine; it grows to what the images need before any is decoded.
    ///   - context: the request.
    /// - Returns: an answer or an error for each image.
    /// - Throws: `ServingError` when nothing can be answered: when the model takes no images, when the images would cost more
    ///   than there is, and what `Scheduler.infer` throws.
    package func classify(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Result<Answer, ServingError>] {
        let preprocessing = try model.preprocessing(for: .imageClassification)
        let network = options.crops == .dense ? try model.dense() : model.network
        let runs = try await run(
            images: images,
            network,
            preprocessing,
            options,
            admission,
            context: context
        )
        return runs.map { run in
            run.flatMap { run in
                Result { () throws(ServingError) in
                    let scores = try ClassScores(
                        run.outputs,
                        average: options.average,
                        scoring: model.scoring
                    )
                    return Answer(scores: scores, mode: options.crops, run: run)
                }
            }
        }
    }

    /// Runs several images through a network as one request, for whoever makes something of what it gives.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - network: what runs.
    ///   - preprocessing: how images are prepared for it.
    ///   - options: which crops.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: what the network gave for each image, or an error.
    /// - Throws: as `classify(images:with:)`.
    func run(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        _ network: ServedNetwork,
        _ preprocessing: Preprocessing,
        _ options: Options = Options(),
        _ admission: Scheduler.Admission? = nil,
        context: RequestContext
    ) async throws(ServingError) -> [Result<ImageRun, ServingError>] {
        let run = Run(
            network: network,
            preprocessing: preprocessing,
            options: options,
            admission: admission,
            context: context
        )
        let plans = images.map { image in
            image.flatMap { bytes in Result { () throws(ServingError) in try plan(bytes, run) } }
        }
        try admit(plans, run)
        if Self.cost(plans) > Self.quickValues { await Task.yield() }
        return try await self.run(images, plans, run)
    }

    /// What decoding and preparing go over: pixels in all their scans, and the numbers of the crops.
    private static func cost(_ plans: [Result<Plan, ServingError>]) -> Int {
        plans.reduce(0) { cost, plan in
            guard let plan = try? plan.get() else { return cost }
            return plan.crops.placements.reduce(cost + plan.decode.pixels * plan.decode.scans) {
                $0 + $1.count
            }
        }
    }

    /// Grows the request's place to all its crops.
    private func admit(_ plans: [Result<Plan, ServingError>], _ run: Run) throws(ServingError) {
        let placements = plans.flatMap { plan in (try? plan.get().crops.placements) ?? [] }
        let size = placements.reduce(0) { $0 + $1.count }
        try run.admission?.grow(to: placements.count, size: size, run.context)
    }

    private func run(
        _ images: [Result<ArraySlice<UInt8>, ServingError>],
        _ plans: [Result<Plan, ServingError>],
        _ run: Run
    ) async throws(ServingError) -> [Result<ImageRun, ServingError>] {
        // Which of those that were decoded each image is.
        var decoded: [Result<Int, ServingError>] = []
        var progress: [Progress] = []
        var (hand, inference) = (Hand(), InferenceResult?.none)
        for (index, image) in images.enumerated() {
            try run.context.check()
            do throws(ServingError) {
                let (plan, bytes) = (try plans[index].get(), try image.get())
                let lease = try budget?.require(plan.bytes, for: .pixels)
                defer { withExtendedLifetime(lease) {} }
                let (prepared, begun) = try begin(bytes, plan, run)
                var crops = prepared
                let number = progress.count
                decoded.append(.success(number))
                progress.append(begun)
                for crop in crops.placements.indices {
                    let start = ContinuousClock.now
                    try hold(plan.crops.placements[crop].count, in: &hand)
                    hand.items.append(try make(crop, &crops, run))
                    hand.owners.append(number)
                    progress[number].preprocess += .now - start
                    if hand.isFull { try await infer(&hand, run, &progress, &inference) }
                }
            } catch {
                if Self.endsRequest(error) || decoded.count > index { throw error }
                decoded.append(.failure(error))
            }
        }
        if !hand.items.isEmpty { try await infer(&hand, run, &progress, &inference) }
        return decoded.map { image in
            image.flatMap { number in
                Result { () throws(ServingError) in try finished(progress[number], inference, run) }
            }
        }
    }

    /// Whether an error is none of the image's.
    static func endsRequest(_ error: ServingError) -> Bool {
        switch error {
        case .cancelled, .deadlineExceeded, .memoryFull: true
        default: false
        }
    }

    /// Leases the bytes of so many values more, before they are made.
    private func hold(_ values: Int, in hand: inout Hand) throws(ServingError) {
        hand.values += values
        guard let budget else { return }
        let bytes = hand.values * MemoryLayout<Float>.stride
        guard let lease = hand.lease else { return hand.lease = try budget.require(bytes, for: .tensors) }
        guard lease.resize(to: bytes) else { throw budget.refusal(of: bytes) }
    }

    /// Runs what is in hand, and gives each image its outputs.
    private func infer(
        _ hand: inout Hand,
        _ run: Run,
        _ progress: inout [Progress],
        _ inference: inout InferenceResult?
    ) async throws(ServingError) {
        let result = try await scheduler.infer(
            run.network,
            items: hand.items,
            admission: run.admission,
            run.context
        )
        for (owner, output) in zip(hand.owners, result.outputs) {
            progress[owner].outputs.append(output)
        }
        inference = inference.map { $0.followed(by: result) } ?? result
        hand = Hand()
    }

    private func finished(
        _ image: Progress,
        _ inference: InferenceResult?,
        _ run: Run
    ) throws(ServingError) -> ImageRun {
        guard let inference else { throw .internalError("an image without crops") }
        run.context.record.update { $0.preprocess += image.preprocess }
        return ImageRun(
            outputs: image.outputs,
            plan: image.plan,
            format: image.format,
            orientation: image.orientation,
            decode: image.decode,
            preprocess: image.preprocess,
            inference: inference
        )
    }
}

extension Model {
    /// How the images of a model for a task are prepared.
    ///
    /// - Throws: `ServingError` 400 for a model that takes no images, or is for another task.
    func preprocessing(for task: Manifest.Task) throws(ServingError) -> Preprocessing {
        let preprocessing: Preprocessing
        switch input {
        case .image(let own), .regions(let own): preprocessing = own
        case .sequence, .frames, .tensors:
            throw .badRequest("model '\(name)' takes \(manifest.input.kind), not images", code: "wrong_task")
        }
        guard manifest.task == task else {
            let found = "model '\(name)' is for '\(manifest.task.rawValue)'"
            throw .badRequest("\(found), not '\(task.rawValue)'; use \(ownVerb)", code: "wrong_task")
        }
        return preprocessing
    }

    /// What a client asks of it, for messages.
    private var ownVerb: String {
        switch manifest.task {
        case .imageClassification: "':classify'"
        case .objectDetection: "':detect'"
        case .semanticSegmentation: "':segment'"
        case .imageCaptioning: "':caption'"
        case .embedding: "':embed'"
        default: "':predict'"
        }
    }
}
