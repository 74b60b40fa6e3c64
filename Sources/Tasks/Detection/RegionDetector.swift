internal import Engine
internal import Imaging
internal import Inference
internal import Models
internal import Platform
internal import Support

/// The way of images to the objects in regions of them: decode, propose regions, run each through the extractor and the
/// classifiers, thin out and move what they found.
///
/// An image is decoded once. While the engine runs some regions the next are warped, so that never more than two hands of
/// them are held. Everything stops once nobody waits for it.
/// - Source: Girshick et al. 2014, §2.
struct RegionDetector: Sendable {
    /// One request for one model.
    struct Run: Sendable {
        let model: Model
        let extractor: ServedNetwork
        let head: RegionHead
        let preprocessing: Preprocessing
        let options: ObjectDetector.Options
        let admission: Scheduler.Admission?
        let context: RequestContext
    }

    /// Regions that run together, as their inputs.
    private struct Hand: Sendable {
        let inputs: [Tensor]
        /// The bytes of these.
        let lease: MemoryLease?
    }

    /// What the networks make of a hand.
    private struct Scored: Sendable {
        var outputs: [[Float]] = []
        var features: InferenceResult?
        var margins: InferenceResult?

        mutating func append(_ next: Scored) {
            outputs += next.outputs
            features = features.flatMap { one in next.features.map { one.followed(by: $0) } } ?? next.features
            margins = margins.flatMap { one in next.margins.map { one.followed(by: $0) } } ?? next.margins
        }
    }

    private static let regionsAtATime = 64
    /// In numbers of 4 bytes: 64 regions of 227×227.
    private static let valuesAtATime = 64 * 3 * 227 * 227

    let classifier: ImageClassifier

    /// Finds objects in several images as one request, in order.
    ///
    /// - Returns: an answer or an error for each image.
    /// - Throws: what ends the request: why nobody waits, that there is no memory, and what `Scheduler.infer` throws.
    func detect(
        images: [Result<ArraySlice<UInt8>, ServingError>],
        _ run: Run
    ) async throws(ServingError) -> [Result<ObjectDetector.Answer, ServingError>] {
        // Proposing regions takes too long for an event loop, on which a request may have begun.
        await Task.yield()
        var answers: [Result<ObjectDetector.Answer, ServingError>] = []
        for image in images {
            try run.context.check()
            let decoded: Decoded
            do throws(ServingError) {
                decoded = try decode(try image.get(), run)
            } catch {
                if ImageClassifier.endsRequest(error) { throw error }
                answers.append(.failure(error))
                continue
            }
            answers.append(.success(try await answer(decoded, run)))
        }
        return answers
    }

    /// An image in memory, with room for proposing regions of it.
    private struct Decoded {
        let image: DecodedImage
        /// Of the image by itself, for what an answer says of it.
        let plan: CropPlan
        let duration: Duration
        let lease: MemoryLease?
    }

    private func decode(_ bytes: ArraySlice<UInt8>, _ run: Run) throws(ServingError) -> Decoded {
        let plan = try classifier.plan(
            bytes,
            ImageClassifier.Run(
                network: run.extractor,
                preprocessing: run.preprocessing,
                options: ImageClassifier.Options(),
                admission: run.admission,
                context: run.context
            )
        )
        let working = run.head.description.proposals.workingBytes(for: plan.decode.size)
        let lease = try classifier.budget?.require(plan.decode.bytes + working, for: .pixels)
        let start = ContinuousClock.now
        let image: DecodedImage
        do throws(ImageError) {
            image = try ImageDecoder.decode(
                bytes,
                color: run.preprocessing.color,
                limits: classifier.limits
            ) { run.context.isWanted }
        } catch {
            throw ImageClassifier.refusal(error, run.context)
        }
        let duration = ContinuousClock.now - start
        run.context.record.update { $0.decode += duration }
        return Decoded(image: image, plan: plan.crops, duration: duration, lease: lease)
    }

    private func answer(
        _ decoded: Decoded,
        _ run: Run
    ) async throws(ServingError) -> ObjectDetector.Answer {
        defer { withExtendedLifetime(decoded.lease) {} }
        let start = ContinuousClock.now
        let regions: [PixelBox]
        do throws(PreprocessingError) {
            regions = try run.head.description.proposals.boxes(
                in: decoded.image.image,
                limit: run.options.proposals ?? run.head.description.limit
            ) { run.context.isWanted }
        } catch {
            throw run.context.reasonToStop() ?? .internalError("proposals: \(error.description)")
        }
        let proposed = ContinuousClock.now - start
        let (scored, warps) = try await scores(of: regions, decoded.image.image, run)
        let scoring = ContinuousClock.now
        let found = try RegionBoxes.found(
            scored.outputs,
            in: regions,
            classes: run.head.classes,
            of: decoded.plan.imageSize,
            threshold: run.options.threshold ?? run.model.scoring.threshold ?? ObjectDetector.usualThreshold,
            overlap: run.options.overlap ?? run.model.manifest.overlap ?? 1,
            most: run.options.topK,
            run.context
        )
        let boxed = ContinuousClock.now - scoring
        guard let features = scored.features, let margins = scored.margins else {
            throw .internalError("an image without regions")
        }
        run.context.record.update { $0.preprocess += proposed + warps }
        return ObjectDetector.Answer(
            detections: found.map { found in
                Detection(
                    index: found.index,
                    label: run.model.labels?[found.index],
                    score: found.score,
                    box: found.box
                )
            },
            run: ImageRun(
                outputs: [],
                plan: decoded.plan,
                format: decoded.image.format,
                orientation: decoded.image.orientation,
                decode: decoded.duration,
                preprocess: proposed + warps,
                inference: features
            ),
            postprocess: margins.queue + margins.compute + boxed,
            regions: .init(count: regions.count, proposals: proposed, warps: warps)
        )
    }

    /// What the networks make of all regions, hand by hand, and how long the regions' inputs took.
    private func scores(
        of regions: [PixelBox],
        _ image: Image,
        _ run: Run
    ) async throws(ServingError) -> (Scored, warps: Duration) {
        let crops: RegionCrops
        let shape = run.extractor.graph.inputShape
        do throws(PreprocessingError) {
            crops = try RegionCrops(
                run.head.description.transform,
                of: image,
                as: ImageSize(height: shape[1], width: shape[2]),
                run.preprocessing
            )
        } catch {
            throw .internalError("regions: \(error.description)")
        }
        let count = max(1, min(Self.regionsAtATime, Self.valuesAtATime / crops.count))
        try run.admission?.grow(
            to: min(count, regions.count),
            size: regions.count * crops.count,
            run.context
        )
        var (scored, warps, rest) = (Scored(), Duration.zero, regions[...])
        func next() throws(ServingError) -> Hand? {
            guard !rest.isEmpty else { return nil }
            let start = ContinuousClock.now
            defer { warps += .now - start }
            defer { rest = rest.dropFirst(count) }
            return try hand(rest.prefix(count), crops, run)
        }
        var upcoming = try next()
        while let current = upcoming {
            async let running = result(of: current, run)
            upcoming = try next()
            scored.append(try await running.get())
        }
        return (scored, warps)
    }

    /// The inputs of some regions.
    private func hand(
        _ regions: ArraySlice<PixelBox>,
        _ crops: RegionCrops,
        _ run: Run
    ) throws(ServingError) -> Hand {
        let bytes = regions.count * crops.count * MemoryLayout<Float>.stride
        let lease = try classifier.budget?.require(bytes, for: .tensors)
        let full = ServingError.memoryFull(wanted: bytes, limit: classifier.budget?.limit ?? 0)
        let inputs = try regions.map { region throws(ServingError) in
            try Tensor(shape: run.extractor.graph.inputShape, outOfMemory: { _ in full }) {
                (values: inout MutableSpan<Float>) throws(ServingError) in
                do throws(PreprocessingError) {
                    try crops.write(region, into: &values) { run.context.isWanted }
                } catch {
                    throw run.context.reasonToStop() ?? .internalError("regions: \(error.description)")
                }
            }
        }
        return Hand(inputs: inputs, lease: lease)
    }

    private func result(of hand: Hand, _ run: Run) async -> Result<Scored, ServingError> {
        defer { withExtendedLifetime(hand.lease) {} }
        do throws(ServingError) {
            let features = try await classifier.scheduler.infer(
                run.extractor,
                items: hand.inputs,
                admission: run.admission,
                run.context
            )
            let margins = try await classifier.scheduler.infer(
                run.model.network,
                items: features.outputs.map { Tensor(shape: [$0.count], values: $0) },
                run.context
            )
            let outputs = try margins.outputs.map { values throws(ServingError) in try values.finite() }
            return .success(Scored(outputs: outputs, features: features.bare, margins: margins.bare))
        } catch {
            return .failure(error)
        }
    }
}

extension InferenceResult {
    /// What it took, without the numbers.
    fileprivate var bare: InferenceResult {
        InferenceResult(outputs: [], queue: queue, compute: compute, batchSize: batchSize)
    }
}
