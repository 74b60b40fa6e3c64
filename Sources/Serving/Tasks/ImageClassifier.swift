package import Engine
package import HTTP
package import Imaging

/// The way of an image to its classes: decode, preprocess, run, average.
///
/// Decoding and preparing happen on the caller's thread, before anything is queued; a bad image ends there.
package struct ImageClassifier: Sendable {
    /// What a client asks for.
    package struct Options: Sendable {
        package var crops: CropMode
        package var average: ClassScores.Average
        package var deadline: ContinuousClock.Instant?
        package var cancellation: Cancellation?

        package init(
            crops: CropMode = .center,
            average: ClassScores.Average = .probabilities,
            deadline: ContinuousClock.Instant? = nil,
            cancellation: Cancellation? = nil
        ) {
            self.crops = crops
            self.average = average
            self.deadline = deadline
            self.cancellation = cancellation
        }
    }

    /// What came of an image.
    package struct Answer: Sendable {
        package let scores: ClassScores
        /// The logits of each crop.
        package let outputs: [[Float]]
        package let crops: [Crop]
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

    private let scheduler: Scheduler
    private let limits: ImageLimits
    private let metrics: ServingMetrics?

    package init(scheduler: Scheduler, limits: ImageLimits, metrics: ServingMetrics? = nil) {
        self.scheduler = scheduler
        self.limits = limits
        self.metrics = metrics
    }

    /// Classifies one image.
    ///
    /// - Throws: `APIError` 400 when the model takes no images, 413 for an image that is too large, 422 for bytes
    ///   that are no image, and what `Scheduler.infer` throws.
    package func classify(
        _ bytes: ArraySlice<UInt8>,
        with model: Model,
        _ options: Options = Options()
    ) throws(APIError) -> Answer {
        guard case .image(let preprocessing) = model.input else {
            let kind = model.manifest.input.kind
            throw .badRequest("model '\(model.name)' takes \(kind), not images", code: "wrong_task")
        }
        let start = ContinuousClock.now
        let decoded = try decode(bytes, color: preprocessing.color)
        let isDecoded = ContinuousClock.now
        let prepared = try prepare(decoded.image, preprocessing, options.crops)
        let isPrepared = ContinuousClock.now
        metrics?.decodeDuration.observe(isDecoded - start, model.name, model.version)
        metrics?.preprocessDuration.observe(isPrepared - isDecoded, model.name, model.version)
        let inference = try scheduler.infer(
            model,
            items: Self.tensors(prepared),
            deadline: options.deadline,
            cancellation: options.cancellation
        )
        return Answer(
            scores: try ClassScores(inference.outputs, average: options.average),
            outputs: inference.outputs,
            crops: prepared.crops,
            format: decoded.format,
            width: decoded.width,
            height: decoded.height,
            orientation: decoded.orientation,
            decode: isDecoded - start,
            preprocess: isPrepared - isDecoded,
            inference: inference
        )
    }

    /// Each crop as an item of its own.
    package static func tensors(_ prepared: PreparedCrops) -> [Tensor] {
        let shape: Shape = [prepared.channels, prepared.height, prepared.width]
        let count = shape.elementCount
        return prepared.crops.indices.map { index in
            Tensor(shape: shape, values: Array(prepared.values[index * count..<(index + 1) * count]))
        }
    }

    private func decode(_ bytes: ArraySlice<UInt8>, color: ColorMode) throws(APIError) -> DecodedImage {
        do {
            return try ImageDecoder.decode(bytes, color: color, limits: limits)
        } catch {
            switch error {
            case .tooLarge, .tooCostly: throw .imageTooLarge(error.description)
            default: throw .undecodableImage(error.description)
            }
        }
    }

    private func prepare(
        _ image: Image,
        _ preprocessing: Preprocessing,
        _ mode: CropMode
    ) throws(APIError) -> PreparedCrops {
        do {
            return try preprocessing.prepare(image, crops: mode, limits: limits)
        } catch {
            switch error {
            case .tooLarge: throw .imageTooLarge(error.description)
            default: throw .internalError("preprocessing: \(error.description)")
            }
        }
    }
}
