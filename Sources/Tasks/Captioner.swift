package import Engine
package import Imaging
package import Inference
package import Models
internal import Platform
package import Support
internal import Zoo

/// The way of images to sentences: decode and prepare as classifiers do, run the network of the image, and let the decoder
/// write the captions of all images side by side.
///
/// A caption depends on the image, the options and the seed alone.
package struct Captioner: Sendable {
    /// What a client may ask for.
    package struct Options: Sendable, Equatable {
        package var writing = Translator.Options()
        /// How tokens are drawn; nil for the likeliest sequence that is found.
        package var sampling: Sampler.Rule?
        package var seed: UInt64 = 0
        /// How many captions are asked for; nil for as many as there are beams.
        package var count: Int?
        /// Whether the map of each word is asked for.
        package var wantsMaps = false

        package init() {}

        /// How captions are searched for, checked against what a model can follow.
        fileprivate func rule(of model: Model, targets: Int) throws(ServingError) -> BeamSearch.Rule {
            let rule = try writing.rule(
                maxLength: model.target?.maxLength ?? 1,
                targets: targets,
                count: count ?? writing.beams,
                in: "",
                for: "images"
            )
            guard sampling == nil || writing.beams == 1 else {
                let expected = "1 where tokens are drawn by temperature, top_k, top_p or seed"
                throw .invalidParameter("beams", expected: expected, found: "\(writing.beams)")
            }
            return rule
        }
    }

    /// A sentence, and where the network looked for each of its tokens.
    package struct Caption: Sendable {
        package let sentence: Translator.Translation
        /// A map for each token, of weights that are 1 together; empty where nobody asked for them.
        package let maps: [HeatMap]
    }

    /// What came of an image.
    package struct Answer: Sendable {
        /// At least one, the best first.
        package let captions: [Caption]
        package let run: ImageRun
        /// Writing the captions of all images of the request.
        package let writing: Duration
        /// For the maps, as long as the answer is there.
        fileprivate let lease: MemoryLease?

        /// Where the maps lie, in pixels of the upright image.
        package var box: ImageBox { run.plan.box(ofCrop: 0) }
    }

    private let classifier: ImageClassifier
    private let metrics: ServingMetrics?

    /// - Parameters:
    ///   - classifier: what decodes and prepares images, and where they run.
    ///   - metrics: where captions and their tokens are counted.
    package init(_ classifier: ImageClassifier, metrics: ServingMetrics? = nil) {
        (self.classifier, self.metrics) = (classifier, metrics)
    }

    /// Describes several images as one request, in order.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - model: one for captions.
    ///   - options: what is asked for.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: an answer or an error for each image.
    /// - Throws: `ServingError` 400 for a model of another task and for options that it cannot follow, 500 when a logit is not
    ///   a finite number; and as `ImageClassifier.classify`.
    package func caption(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Result<Answer, ServingError>] {
        let preprocessing = try model.preprocessing(for: .imageCaptioning)
        let search = try options.rule(of: model, targets: images.count)
        let lease = try leaseMaps(of: images.count, model, options, search)
        let runs = try await classifier.run(
            images: images,
            model.network,
            preprocessing,
            ImageClassifier.Options(),
            admission,
            context: context
        )
        let start = ContinuousClock.now
        let read = runs.compactMap { try? $0.get().outputs[0] } // an image that failed has its error
        var captions = try await self.captions(of: read, with: model, options, search, context)[...]
        let writing = ContinuousClock.now - start
        return runs.map { run in
            run.map { run in
                Answer(captions: captions.removeFirst(), run: run, writing: writing, lease: lease)
            }
        }
    }

    /// Describes tensors as the network takes them.
    ///
    /// - Throws: `ServingError` 400 for a model of another task, and for another shape; and what `Scheduler.infer` throws.
    package func caption(
        tensors: [Tensor],
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [[Caption]] {
        _ = try model.preprocessing(for: .imageCaptioning)
        let search = try options.rule(of: model, targets: tensors.count)
        let read = try await classifier.infer(tensors, model, admission, context).outputs
        return try await captions(of: read, with: model, options, search, context)
    }

    private func captions(
        of read: [[Float]],
        with model: Model,
        _ options: Options,
        _ rule: BeamSearch.Rule,
        _ context: RequestContext
    ) async throws(ServingError) -> [[Caption]] {
        do {
            let written: [[Caption]]
            if let sampling = options.sampling {
                written = try await write(read, model, options, context) {
                    SampledTarget(sampling, seed: options.seed, end: $0.end, maxTokens: rule.maxTokens)
                }
            } else {
                written = try await write(read, model, options, context) {
                    BeamSearch(rule, end: $0.end)
                }
            }
            for best in written { count(best[0].sentence.stop.rawValue, model) }
            return written
        } catch {
            for _ in read { count(error.code, model) }
            throw error
        }
    }

    /// Writes the captions of what was read of each image.
    private func write<Search: TargetSearch>(
        _ read: [[Float]],
        _ model: Model,
        _ options: Options,
        _ context: RequestContext,
        _ search: (Target) -> Search
    ) async throws(ServingError) -> [[Caption]] {
        guard let target = model.target, let decoder = model.pipeline.decoder else {
            throw .internalError("a captioner without a decoder")
        }
        let grid = options.wantsMaps ? model.graph.positions : nil
        let writer = TargetWriter<Search>(
            scheduler: classifier.scheduler,
            metrics: metrics,
            model: model,
            decoder: decoder,
            context: context,
            classes: target.size,
            keepsAttention: grid != nil
        )
        let begun = read.map { outputs in
            let (memory, state) = model.pipeline.parts(of: outputs)
            return (memory: memory, state: state, search: search(target))
        }
        return try await writer.write(begun, start: target.start).map { hypotheses in
            hypotheses.map { written in
                Caption(
                    sentence: Translator.Translation(written.hypothesis, of: target, attention: nil),
                    maps: grid.map { grid in
                        (written.attention ?? []).map {
                            HeatMap(height: grid.height, width: grid.width, values: $0)
                        }
                    } ?? []
                )
            }
        }
    }

    /// Leases what the maps may take: those of all beams while they are written.
    private func leaseMaps(
        of images: Int,
        _ model: Model,
        _ options: Options,
        _ rule: BeamSearch.Rule
    ) throws(ServingError) -> MemoryLease? {
        guard options.wantsMaps else { return nil }
        guard let grid = model.graph.positions else {
            throw .badRequest(
                "detail: model '\(model.name)' looks at an image as a whole, so that words have no maps",
                code: "invalid_parameter"
            )
        }
        let numbers = images * rule.width * rule.maxTokens * grid.height * grid.width
        return try classifier.budget?.require(2 * numbers * ElementType.f32.size, for: .answers)
    }

    private func count(_ reason: String, _ model: Model) {
        metrics?.generations.series(model.name, model.version, reason).add()
    }
}
