internal import Engine
package import Imaging
package import Inference
package import Models
internal import Platform
package import Support
internal import Zoo

/// Why an image has its class: which parts of its centre crop speak for it.
///
/// A network that ends in a global average pool and one linear layer says so itself, in one run (`ClassActivationMap`); any
/// other by what it answers where parts are covered, in as many runs as there are patches (`Occlusion`), which are admitted,
/// leased and stopped as the crops of a test-time augmentation are.
package struct ImageExplainer: Sendable {
    /// What a client asks for.
    package struct Options: Sendable {
        /// The label or the number of the class; nil for the likeliest.
        package var target: String?
        /// Nil for the map of the network where it has one, else occlusion.
        package var method: ExplanationMethod?
        /// The side of a patch and the distance between two, in pixels of the crop; nil leaves them to the crop's size.
        package var patch: Int?
        package var stride: Int?

        package init() {}
    }

    /// What came of an image.
    package struct Answer: Sendable {
        package let method: ExplanationMethod
        package let target: ExplainedClass
        /// What each cell of the crop gives to the class: to its logit, or to its probability where cells are covered.
        package let map: HeatMap
        /// The bias of the class, which with the mean of the map makes the logit; nil for occlusion.
        package let bias: Float?
        /// Where patches were; nil for a class activation map.
        package let occlusion: Occlusion?
        /// How many forward passes there were.
        package let runs: Int
        /// The part of the upright image that the map is of.
        package let box: ImageBox
        package let format: ImageFormat
        /// The size of the upright image.
        package let size: ImageSize
        package let orientation: Int
        package let decode: Duration
        package let preprocess: Duration
        package let inference: InferenceResult
    }

    /// What the explained class, the map and their cost are.
    private struct Finding {
        let target: ExplainedClass
        let map: HeatMap
        var bias: Float?
        var occlusion: Occlusion?
        let runs: Int
        let inference: InferenceResult
    }

    private let classifier: ImageClassifier

    /// - Parameter classifier: what decodes and prepares images, and where they run.
    package init(_ classifier: ImageClassifier) { self.classifier = classifier }

    /// Explains the class of one image.
    ///
    /// - Parameters:
    ///   - bytes: the encoded image.
    ///   - model: one that takes images.
    ///   - options: what is asked for.
    ///   - admission: the request's place at the engine; it grows to all runs before the first.
    ///   - context: the request.
    /// - Returns: the class, its map, and where that lies.
    /// - Throws: `ServingError` 400 for a model that takes no images, an unknown class, and a method that the network does not
    ///   have; and what `ImageClassifier.classify` throws.
    package func explain(
        _ bytes: ArraySlice<UInt8>,
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> Answer {
        let preprocessing = try model.preprocessing(for: .imageClassification)
        let index = try ExplainedClass.index(of: options.target, in: model)
        let maps = try Self.classMaps(of: model, options)
        let run = ImageClassifier.Run(
            network: model.network,
            preprocessing: preprocessing,
            options: ImageClassifier.Options(),
            admission: admission,
            context: context
        )
        let crop = try CentralCrop(bytes, classifier, run) { placement throws(ServingError) in
            try maps == nil ? Self.occlusion(of: placement, model, options) : nil
        }
        let finding =
            if let maps {
                try await activation(of: crop, maps.network, bias: maps.bias, index, model, run)
            } else {
                try await occlusion(of: crop, index, model, run)
            }
        return Answer(
            method: maps == nil ? .occlusion : .classActivation,
            target: finding.target,
            map: finding.map,
            bias: finding.bias,
            occlusion: finding.occlusion,
            runs: finding.runs,
            box: crop.progress.plan.box(ofCrop: 0),
            format: crop.progress.format,
            size: crop.progress.plan.imageSize,
            orientation: crop.progress.orientation,
            decode: crop.progress.decode,
            preprocess: crop.progress.preprocess,
            inference: finding.inference
        )
    }

    /// The upright image for a picture of the answer, with no more than `side` pixels on a side.
    ///
    /// - Throws: as `explain`, for the image alone.
    package func picture(
        of bytes: ArraySlice<UInt8>,
        side: Int,
        _ context: RequestContext
    ) throws(ServingError) -> Image {
        let limits = classifier.limits
        let cost: DecodeCost
        do throws(ImageError) {
            cost = try ImageDecoder.cost(bytes, color: .rgb, limits: limits)
        } catch {
            throw ImageClassifier.refusal(error, context)
        }
        let lease = try classifier.budget?.require(cost.bytes, for: .pixels)
        defer { withExtendedLifetime(lease) {} }
        do throws(ImageError) {
            let image = try ImageDecoder.decode(bytes, color: .rgb, limits: limits) { context.isWanted }.image
            guard let image = image.shrunk(toAtMost: side, while: { context.isWanted }) else {
                throw .stopped
            }
            return image
        } catch {
            throw ImageClassifier.refusal(error, context)
        }
    }

    /// The network of class score maps, unless another method is asked for or it has none.
    private static func classMaps(
        of model: Model,
        _ options: Options
    ) throws(ServingError) -> (network: ServedNetwork, bias: [Float])? {
        switch options.method {
        case .occlusion: return nil
        case .leaveOneOut:
            throw .invalidParameter(
                "method",
                expected: "cam or occlusion for an image",
                found: "leave-one-out"
            )
        case nil where options.patch != nil || options.stride != nil: return nil
        case nil, .classActivation:
            do {
                return try model.pipeline.classScoreMaps()
            } catch {
                guard options.method == .classActivation else { return nil }
                let reason = "'\(model.architecture.name)' has no class activation map: \(error)"
                throw .invalidParameter("method", expected: "occlusion, as \(reason)", found: "cam")
            }
        }
    }

    private static func occlusion(
        of placement: CropPlacement,
        _ model: Model,
        _ options: Options
    ) throws(ServingError) -> Occlusion {
        try Occlusion(
            ImageSize(height: placement.height, width: placement.width),
            multiplyAdds: model.graph.multiplyAdds,
            patch: options.patch,
            stride: options.stride
        )
    }

    private func activation(
        of crop: CentralCrop,
        _ network: ServedNetwork,
        bias: [Float],
        _ index: Int?,
        _ model: Model,
        _ run: ImageClassifier.Run
    ) async throws(ServingError) -> Finding {
        let shape = try Self.mapShape(of: network.graph, for: crop.tensor.shape)
        let inference = try await classifier.scheduler.infer(
            network,
            items: [crop.tensor],
            admission: run.admission,
            run.context
        )
        let maps = ClassActivationMap(inference.outputs[0], bias: bias, height: shape[1], width: shape[2])
        let target = ExplainedClass(index, of: try ClassScores([maps.logits], scoring: model.scoring), model)
        return Finding(
            target: target,
            map: maps.map(of: target.index),
            bias: maps.bias(of: target.index),
            runs: 1,
            inference: inference
        )
    }

    /// Classes × height × width for a crop of that shape.
    private static func mapShape(of graph: Graph, for crop: Shape) throws(ServingError) -> Shape {
        do throws(ShapeError) {
            let graph = try graph.reshaped(to: crop)
            return graph.shape(of: graph.outputs[0].value)
        } catch {
            throw .invalidInput(error.description)
        }
    }

    private func occlusion(
        of crop: CentralCrop,
        _ index: Int?,
        _ model: Model,
        _ run: ImageClassifier.Run
    ) async throws(ServingError) -> Finding {
        guard let occlusion = crop.occlusion else { throw .internalError("an occlusion without patches") }
        var (drops, whole, inference) = ([Float](), ExplainedClass?.none, InferenceResult?.none)
        // The crop itself is before the first patch.
        for start in stride(from: -1, to: occlusion.count, by: Occlusion.atATime) {
            let patches = start..<min(start + Occlusion.atATime, occlusion.count)
            let result = try await infer(patches, of: occlusion, crop, run)
            inference = inference.map { $0.followed(by: result) } ?? result
            for (patch, output) in zip(patches, result.outputs) {
                let scores = try ClassScores([output], scoring: model.scoring)
                guard patch >= 0, let whole else {
                    whole = ExplainedClass(index, of: scores, model)
                    continue
                }
                drops.append(Float(whole.score - scores.probabilities[whole.index]))
            }
        }
        guard let whole, let inference else { throw .internalError("an occlusion without runs") }
        return Finding(
            target: whole,
            map: HeatMap(height: occlusion.rows, width: occlusion.columns, values: drops),
            occlusion: occlusion,
            runs: occlusion.count + 1,
            inference: inference
        )
    }

    /// Runs some patches; −1 is the crop as it is.
    private func infer(
        _ patches: Range<Int>,
        of occlusion: Occlusion,
        _ crop: CentralCrop,
        _ run: ImageClassifier.Run
    ) async throws(ServingError) -> InferenceResult {
        try run.context.check()
        let bytes = patches.count * crop.tensor.byteCount
        let lease = try classifier.budget?.require(bytes, for: .tensors)
        defer { withExtendedLifetime(lease) {} }
        let items = try patches.map { patch throws(ServingError) in
            patch < 0 ? crop.tensor : try crop.covered(patch, by: occlusion)
        }
        return try await classifier.scheduler.infer(
            run.network,
            items: items,
            admission: run.admission,
            run.context
        )
    }
}
