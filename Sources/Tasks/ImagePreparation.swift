internal import Engine
internal import Imaging
internal import Inference
internal import Models
internal import Platform
internal import Support

/// What happens to an image before the engine sees it: what it will cost, its pixels, its crops.
extension ImageClassifier {
    /// One request, as all steps see it.
    struct Run {
        let network: ServedNetwork
        let preprocessing: Preprocessing
        let options: Options
        let admission: Scheduler.Admission?
        let context: RequestContext
    }

    /// What an image will cost, from its first bytes.
    struct Plan {
        let decode: DecodeCost
        let crops: CropPlan

        /// The most bytes that the image takes, from its decoding to its last crop, beside the crops themselves.
        var bytes: Int { crops.bytes(decoding: decode) }
    }

    func plan(_ bytes: ArraySlice<UInt8>, _ run: Run) throws(ServingError) -> Plan {
        let cost: DecodeCost
        do throws(ImageError) {
            cost = try ImageDecoder.cost(bytes, color: run.preprocessing.color, limits: limits)
        } catch {
            throw Self.refusal(error, run.context)
        }
        return Plan(decode: cost, crops: try crops(of: cost.size, run))
    }

    /// An image that is decoded, with what has come of it so far.
    struct Progress {
        var plan: CropPlan
        let format: ImageFormat
        let orientation: Int
        let decode: Duration
        var preprocess = Duration.zero
        var outputs: [[Float]] = []
    }

    /// Decodes an image, of which the budget has a lease for `plan`.
    func begin(
        _ bytes: ArraySlice<UInt8>,
        _ plan: Plan,
        _ run: Run
    ) throws(ServingError) -> (PreparedCrops, Progress) {
        let start = ContinuousClock.now
        let decoded = try decode(bytes, plan.crops, run)
        let decode = ContinuousClock.now - start - decoded.resizing
        run.context.record.update { $0.decode += decode }
        let progress = Progress(
            plan: plan.crops,
            format: decoded.format,
            orientation: decoded.orientation,
            decode: decode,
            preprocess: decoded.resizing
        )
        return (decoded.crops, progress)
    }

    func make(
        _ index: Int,
        _ crops: inout PreparedCrops,
        _ run: Run
    ) throws(ServingError) -> Tensor {
        let placement = crops.placements[index]
        let shape: Shape = [placement.channels, placement.height, placement.width]
        let bytes = shape.elementCount * ElementType.f32.size
        let full = ServingError.memoryFull(wanted: bytes, limit: budget?.limit ?? 0)
        return try Tensor(shape: shape, outOfMemory: { _ in full }) {
            (values: inout MutableSpan<Float>) throws(ServingError) in
            do throws(PreprocessingError) {
                try crops.write(index, into: &values) { run.context.isWanted }
            } catch {
                throw Self.refusal(error, run)
            }
        }
    }

    private func decode(
        _ bytes: ArraySlice<UInt8>,
        _ plan: CropPlan,
        _ run: Run
    ) throws(ServingError) -> DecodedCrops {
        do throws(ImageError) {
            return try ImageDecoder.crops(plan, of: bytes, limits: limits) { run.context.isWanted }
        } catch {
            throw Self.refusal(error, run.context)
        }
    }

    private func crops(of size: ImageSize, _ run: Run) throws(ServingError) -> CropPlan {
        do throws(PreprocessingError) {
            return try run.preprocessing.plan(
                for: size,
                crops: run.options.crops,
                scales: run.options.scales,
                limits: limits
            )
        } catch {
            throw Self.refusal(error, run)
        }
    }

    /// What a client is told of an image that cannot be decoded.
    static func refusal(_ error: ImageError, _ context: RequestContext) -> ServingError {
        switch error {
        case .tooLarge, .tooCostly: .tooLarge(code: "image_too_large", error.description)
        case .outOfMemory: .memoryFull(wanted: 0, limit: 0)
        case .stopped: context.reasonToStop() ?? .cancelled
        default: .undecodable(error.description)
        }
    }

    private static func refusal(_ error: PreprocessingError, _ run: Run) -> ServingError {
        switch error {
        case .tooLarge: .tooLarge(code: "image_too_large", error.description)
        case .duplicate: .badRequest(error.description, code: "invalid_parameter")
        case .stopped: run.context.reasonToStop() ?? .cancelled
        default: .internalError("preprocessing: \(error.description)")
        }
    }
}
