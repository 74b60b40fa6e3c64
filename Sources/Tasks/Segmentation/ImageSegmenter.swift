package import Engine
internal import Imaging
package import Inference
package import Models
internal import Platform
package import Support

/// The way of images to a class for each of their pixels: decode and prepare as classifiers do, run, and lay the network's
/// numbers over the upright image.
package struct ImageSegmenter: Sendable {
    /// What came of an image.
    package struct Answer: Sendable {
        /// In the size of the upright image.
        package let map: ClassMap
        package let run: ImageRun
        /// Making classes of the network's numbers.
        package let postprocess: Duration
        /// For the map, as long as the answer is there.
        private let lease: MemoryLease?

        init(map: ClassMap, run: ImageRun, postprocess: Duration, _ lease: MemoryLease?) {
            (self.map, self.run, self.postprocess, self.lease) = (map, run, postprocess, lease)
        }
    }

    private let classifier: ImageClassifier

    /// - Parameter classifier: what decodes and prepares images, and where they run.
    package init(_ classifier: ImageClassifier) { self.classifier = classifier }

    /// Segments several images as one request, in order.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - model: one for semantic segmentation.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: an answer or an error for each image.
    /// - Throws: `ServingError` 400 for a model of another task; and as `ImageClassifier.classify`.
    package func segment(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        with model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Result<Answer, ServingError>] {
        let preprocessing = try model.preprocessing(for: .semanticSegmentation)
        let head = try model.mapHead
        let count = head.channels * head.height * head.width
        return try await classifier.answers(
            to: images,
            of: model,
            preprocessing,
            numbers: count,
            admission,
            context
        ) {
            (run) throws(ServingError) in try answer(run, head, context)
        }
    }

    /// Segments tensors as the network takes them; maps are as large as these.
    ///
    /// - Throws: `ServingError` 400 for a model of another task, and for another shape; and what `Scheduler.infer` throws.
    package func segment(
        tensors: [Tensor],
        with model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [ClassMap] {
        _ = try model.preprocessing(for: .semanticSegmentation)
        let head = try model.mapHead
        let inference = try await classifier.infer(tensors, model, admission, context)
        let shape = model.graph.inputShape
        let size = ImageSize(height: shape[1], width: shape[2])
        let whole = ImageBox(left: 0, top: 0, right: Double(size.width), bottom: Double(size.height))
        return try inference.outputs.map { outputs throws(ServingError) in
            try ClassMap(outputs, head, at: whole, of: size, context)
        }
    }

    private func answer(
        _ run: ImageRun,
        _ head: MapHead,
        _ context: RequestContext
    ) throws(ServingError) -> Answer {
        let start = ContinuousClock.now
        let bytes = run.size.height * run.size.width * MemoryLayout<UInt16>.stride
        let lease = try classifier.budget?.require(bytes, for: .answers)
        let map = try ClassMap(run.outputs[0], head, at: run.plan.box(ofCrop: 0), of: run.size, context)
        return Answer(map: map, run: run, postprocess: .now - start, lease)
    }
}

extension Model {
    /// How its network's numbers are classes.
    package var mapHead: MapHead {
        get throws(ServingError) {
            guard case .classMap(let head) = head else { throw .internalError("a segmenter without a map") }
            return head
        }
    }
}
