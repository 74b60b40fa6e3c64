package import Engine
internal import Imaging
package import Inference
package import Models
internal import Platform
package import Support

/// The way of images to the objects in them: decode and prepare as classifiers do, run, make boxes of the numbers, thin out
/// those that overlap, and lay them over the upright image.
package struct ObjectDetector: Sendable {
    /// What a client asks for.
    package struct Options: Sendable, Equatable {
        /// The lowest score; nil for the model's, or 0.25.
        package var threshold: Double?
        /// Beyond which intersection over union a box is dropped; nil for the model's.
        package var overlap: Double?
        /// How many objects at most, the best.
        package var topK = 100
        /// How many regions to look at, of a model that does; nil for the model's limit.
        package var proposals: Int?

        package init() {}
    }

    /// What came of an image.
    package struct Answer: Sendable {
        /// The best first.
        package let detections: [Detection]
        package let run: ImageRun
        /// Making boxes of the network's numbers.
        package let postprocess: Duration
        /// Nil for a model that looks at images whole.
        package var regions: Regions?
    }

    /// What looking at regions of an image took.
    package struct Regions: Sendable, Equatable {
        /// How many were proposed, all of which were looked at.
        package let count: Int
        package let proposals: Duration
        /// Making the network's inputs of them, while it ran on others.
        package let warps: Duration
    }

    static let usualThreshold = 0.25

    private let classifier: ImageClassifier

    /// - Parameter classifier: what decodes and prepares images, and where they run.
    package init(_ classifier: ImageClassifier) { self.classifier = classifier }

    /// Finds objects in several images as one request, in order.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - model: one for object detection.
    ///   - options: what is asked for.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: an answer or an error for each image.
    /// - Throws: `ServingError` 400 for a model of another task; and as `ImageClassifier.classify`.
    package func detect(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Result<Answer, ServingError>] {
        let preprocessing = try model.preprocessing(for: .objectDetection)
        if case .regions(let head) = model.head, let extractor = model.pipeline.extractor {
            let run = RegionDetector.Run(
                model: model,
                extractor: extractor,
                head: head,
                preprocessing: preprocessing,
                options: options,
                admission: admission,
                context: context
            )
            return try await RegionDetector(classifier: classifier).detect(images: images, run)
        }
        guard options.proposals == nil else {
            let message = "proposals: model '\(model.name)' looks at images whole, and proposes no regions"
            throw .badRequest(message, code: "invalid_parameter")
        }
        let head = try model.boxHead
        let count = head.parts.reduce(0) { $0 + $1.count }
        return try await classifier.answers(
            to: images,
            of: model,
            preprocessing,
            numbers: count,
            admission,
            context
        ) {
            (run) throws(ServingError) in
            let start = ContinuousClock.now
            let detections = try self.detections(run, model, head, options, context)
            return Answer(detections: detections, run: run, postprocess: .now - start)
        }
    }

    /// Finds objects in tensors as the network takes them; boxes are in pixels of these.
    ///
    /// - Throws: `ServingError` 400 for a model of another task, and for another shape; and what `Scheduler.infer` throws.
    package func detect(
        tensors: [Tensor],
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [[Detection]] {
        _ = try model.preprocessing(for: .objectDetection)
        let head = try model.boxHead
        let inference = try await classifier.infer(tensors, model, admission, context)
        let whole = ImageBox(left: 0, top: 0, right: Double(head.width), bottom: Double(head.height))
        return try inference.outputs.map { outputs throws(ServingError) in
            try detections(outputs, at: whole, within: whole, model, head, options, context)
        }
    }

    private func detections(
        _ run: ImageRun,
        _ model: Model,
        _ head: BoxHead,
        _ options: Options,
        _ context: RequestContext
    ) throws(ServingError) -> [Detection] {
        let size = run.size
        let image = ImageBox(left: 0, top: 0, right: Double(size.width), bottom: Double(size.height))
        return try detections(
            run.outputs[0],
            at: run.plan.box(ofCrop: 0),
            within: image,
            model,
            head,
            options,
            context
        )
    }

    /// The objects of a network's numbers; `place` is the part of the image that the network saw.
    private func detections(
        _ outputs: [Float],
        at place: ImageBox,
        within image: ImageBox,
        _ model: Model,
        _ head: BoxHead,
        _ options: Options,
        _ context: RequestContext
    ) throws(ServingError) -> [Detection] {
        let threshold = options.threshold ?? model.scoring.threshold ?? Self.usualThreshold
        let overlap = options.overlap ?? model.manifest.overlap ?? 1
        let (across, down) = (
            (place.right - place.left) / Double(head.width), (place.bottom - place.top) / Double(head.height)
        )
        let candidates = try BoxDecoder.candidates(outputs, head, threshold: threshold, context)
        let placed = candidates.compactMap { candidate -> BoxCandidate? in
            let box = ImageBox(
                left: place.left + candidate.box.left * across,
                top: place.top + candidate.box.top * down,
                right: place.left + candidate.box.right * across,
                bottom: place.top + candidate.box.bottom * down
            )
            // What lies beside the image altogether is no object of it.
            guard box.isProper, box.intersection(image).isProper else { return nil }
            return BoxCandidate(
                box,
                class: candidate.classIndex,
                score: candidate.score,
                anchor: candidate.anchor
            )
        }
        let kept = try NonMaximumSuppression.kept(placed, overlap: overlap, most: options.topK, context)
        return kept.map { candidate in
            Detection(
                index: candidate.classIndex,
                label: model.labels?[candidate.classIndex],
                score: candidate.score,
                box: candidate.box.intersection(image)
            )
        }
    }
}

extension Model {
    /// How its network's numbers are boxes.
    fileprivate var boxHead: BoxHead {
        get throws(ServingError) {
            guard case .boxes(let head) = head else { throw .internalError("a detector without boxes") }
            return head
        }
    }
}
