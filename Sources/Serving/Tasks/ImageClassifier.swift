internal import Engine
package import Platform
package import Imaging
package import Support

/// The way of images to their classes: decode, preprocess, run, average.
///
/// Decoding and preparing happen on the caller's thread, before anything is queued; a bad image ends there and
/// spoils only its own result. Only so many threads decode at a time: more than there are CPUs would cost memory
/// and win nothing.
package struct ImageClassifier: Sendable {
    /// What a client asks for.
    package struct Options: Sendable {
        package var crops: CropMode
        /// Shorter sides to resize to; none leaves it to the mode and the model.
        package var scales: [Int]
        package var average: ClassScores.Average
        package var deadline: ContinuousClock.Instant?
        package var cancellation: Cancellation?

        package init(
            crops: CropMode = .center,
            scales: [Int] = [],
            average: ClassScores.Average = .probabilities,
            deadline: ContinuousClock.Instant? = nil,
            cancellation: Cancellation? = nil
        ) {
            self.crops = crops
            self.scales = scales
            self.average = average
            self.deadline = deadline
            self.cancellation = cancellation
        }

        /// Why nobody waits for the answer any more; nil while somebody does.
        var reasonToStop: ServingError? {
            if cancellation?.isCancelled == true { return .cancelled }
            return deadline.map { .now >= $0 } == true ? .deadlineExceeded : nil
        }
    }

    /// What came of an image.
    package struct Answer: Sendable {
        package let scores: ClassScores
        /// The logits of each crop.
        package let outputs: [[Float]]
        package let mode: CropMode
        package let crops: [PlacedCrop]
        package let format: ImageFormat
        /// The size of the upright image.
        package let width: Int
        package let height: Int
        /// The EXIF orientation that was applied, 1 … 8.
        package let orientation: Int
        package let decode: Duration
        package let preprocess: Duration
        package let inference: Inference
    }

    /// Where a crop was cut: from the image whose shorter side was resized to `scale`.
    package struct PlacedCrop: Sendable, Equatable {
        package let crop: Crop
        package let scale: Int
    }

    /// An image on its way: what the network will see, and what took how long.
    private struct Prepared {
        let items: [Tensor]
        let crops: [PlacedCrop]
        let format: ImageFormat
        let width: Int
        let height: Int
        let orientation: Int
        let decode: Duration
        let preprocess: Duration
    }

    private static let itemsAtATime = 64
    /// In numbers of 4 bytes: 64 crops of 224×224, or one image that is served at a size of its own.
    private static let valuesAtATime = 64 * 3 * 224 * 224

    private let scheduler: Scheduler
    private let limits: ImageLimits
    private let decoders: Slots
    private let metrics: ServingMetrics?

    /// - Parameters:
    ///   - scheduler: the engine.
    ///   - limits: what is refused before it is decoded.
    ///   - decoders: how many images are decoded at a time.
    ///   - metrics: where decoding and preparing are observed.
    package init(
        scheduler: Scheduler,
        limits: ImageLimits,
        decoders: Int = 1,
        metrics: ServingMetrics? = nil
    ) {
        self.scheduler = scheduler
        self.limits = limits
        self.decoders = Slots(decoders)
        self.metrics = metrics
    }

    /// Classifies one image.
    ///
    /// - Throws: `ServingError` 400 when the model takes no images, 413 for an image that is too large, 422 for bytes
    ///   that are no image, and what `Scheduler.infer` throws.
    package func classify(
        _ bytes: ArraySlice<UInt8>,
        with model: Model,
        _ options: Options = Options()
    ) throws(ServingError) -> Answer {
        try classify(images: [.success(bytes)], with: model, options)[0].get()
    }

    /// Classifies several images as one request, in order; their crops run together.
    ///
    /// - Throws: `ServingError` when nothing can be answered: 400 when the model takes no images, and what
    ///   `Scheduler.infer` throws.
    package func classify(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        with model: Model,
        _ options: Options = Options()
    ) throws(ServingError) -> [Result<Answer, ServingError>] {
        guard case .image(let preprocessing) = model.input else {
            let kind = model.manifest.input.kind
            throw .badRequest("model '\(model.name)' takes \(kind), not images", code: "wrong_task")
        }
        let network = options.crops == .dense ? try model.dense() : model
        var results: [Result<Answer, ServingError>] = []
        var rest = images[...]
        while !rest.isEmpty {
            let prepared = try decoders.withSlot { () throws(ServingError) in
                try prepareNext(&rest, preprocessing, options, model)
            }
            results += try run(prepared, with: network, options)
        }
        return results
    }

    /// Prepares images until there are enough items for good batches; more would only take memory.
    private func prepareNext(
        _ images: inout ArraySlice<Result<ArraySlice<UInt8>, ServingError>>,
        _ preprocessing: Preprocessing,
        _ options: Options,
        _ model: Model
    ) throws(ServingError) -> [Result<Prepared, ServingError>] {
        var prepared: [Result<Prepared, ServingError>] = []
        var (items, values) = (0, 0)
        while items < Self.itemsAtATime, values < Self.valuesAtATime, let image = images.popFirst() {
            if options.cancellation?.isCancelled == true { throw .cancelled }
            if let deadline = options.deadline, .now >= deadline { throw .deadlineExceeded }
            let result = image.flatMap { bytes in
                Result { () throws(ServingError) in try prepare(bytes, preprocessing, options, model) }
            }
            if case .success(let image) = result {
                items += image.items.count
                values += image.items.reduce(0) { $0 + $1.shape.elementCount }
            }
            prepared.append(result)
        }
        return prepared
    }

    private func run(
        _ prepared: [Result<Prepared, ServingError>],
        with model: Model,
        _ options: Options
    ) throws(ServingError) -> [Result<Answer, ServingError>] {
        var items: [Tensor] = []
        for case .success(let image) in prepared { items += image.items }
        guard !items.isEmpty else {
            return prepared.map { $0.flatMap { _ in .failure(.internalError("an image without crops")) } }
        }
        let inference = try scheduler.infer(
            model,
            items: items,
            deadline: options.deadline,
            cancellation: options.cancellation
        )
        var outputs = inference.outputs[...]
        return prepared.map { result in
            result.flatMap { image in
                defer { outputs = outputs.dropFirst(image.items.count) }
                return Result { () throws(ServingError) in
                    try answer(image, Array(outputs.prefix(image.items.count)), inference, options)
                }
            }
        }
    }

    private func prepare(
        _ bytes: ArraySlice<UInt8>,
        _ preprocessing: Preprocessing,
        _ options: Options,
        _ model: Model
    ) throws(ServingError) -> Prepared {
        let start = ContinuousClock.now
        let decoded = try decode(bytes, color: preprocessing.color, options)
        let isDecoded = ContinuousClock.now
        let crops = try crops(of: decoded.image, preprocessing, options)
        let items = crops.map { crop in
            Tensor(shape: [crop.channels, crop.height, crop.width], values: crop.values)
        }
        let isPrepared = ContinuousClock.now
        metrics?.decodeDuration.observe(isDecoded - start, model.name, model.version)
        metrics?.preprocessDuration.observe(isPrepared - isDecoded, model.name, model.version)
        return Prepared(
            items: items,
            crops: crops.map { PlacedCrop(crop: $0.crop, scale: $0.scale) },
            format: decoded.format,
            width: decoded.width,
            height: decoded.height,
            orientation: decoded.orientation,
            decode: isDecoded - start,
            preprocess: isPrepared - isDecoded
        )
    }

    private func answer(
        _ image: Prepared,
        _ outputs: [[Float]],
        _ inference: Inference,
        _ options: Options
    ) throws(ServingError) -> Answer {
        Answer(
            scores: try ClassScores(outputs, average: options.average),
            outputs: outputs,
            mode: options.crops,
            crops: image.crops,
            format: image.format,
            width: image.width,
            height: image.height,
            orientation: image.orientation,
            decode: image.decode,
            preprocess: image.preprocess,
            inference: inference
        )
    }

    private func decode(
        _ bytes: ArraySlice<UInt8>,
        color: ColorMode,
        _ options: Options
    ) throws(ServingError) -> DecodedImage {
        do {
            return try ImageDecoder.decode(bytes, color: color, limits: limits) { options.reasonToStop == nil }
        } catch {
            switch error {
            case .tooLarge, .tooCostly: throw .tooLarge(code: "image_too_large", error.description)
            case .stopped: throw options.reasonToStop ?? .cancelled
            default: throw .undecodable(error.description)
            }
        }
    }

    private func crops(
        of image: Image,
        _ preprocessing: Preprocessing,
        _ options: Options
    ) throws(ServingError) -> [PreparedCrop] {
        do {
            return try preprocessing.prepare(
                image,
                crops: options.crops,
                scales: options.scales,
                limits: limits
            ) { options.reasonToStop == nil }
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge(code: "image_too_large", error.description)
            case .stopped: throw options.reasonToStop ?? .cancelled
            case .duplicate: throw .badRequest(error.description, code: "invalid_parameter")
            default: throw .internalError("preprocessing: \(error.description)")
            }
        }
    }
}
