internal import Engine
internal import Imaging
internal import Inference
internal import Platform
internal import Support

/// The centre crop of an image as the network sees it, made for several runs.
struct CentralCrop {
    let tensor: Tensor
    let progress: ImageClassifier.Progress
    let occlusion: Occlusion?
    /// For the bytes of the tensor.
    private let lease: MemoryLease?

    /// Admits the runs of an image, decodes it and makes its crop.
    ///
    /// - Parameters:
    ///   - bytes: the encoded image.
    ///   - classifier: what does that.
    ///   - run: the request.
    ///   - plan: says by the crop's size which patches of it will be covered.
    /// - Throws: as `ImageClassifier.classify`, and what `plan` throws.
    init(
        _ bytes: ArraySlice<UInt8>,
        _ classifier: ImageClassifier,
        _ run: ImageClassifier.Run,
        _ plan: (CropPlacement) throws(ServingError) -> Occlusion?
    ) throws(ServingError) {
        let image = try classifier.plan(bytes, run)
        let placement = image.crops.placements[0]
        occlusion = try plan(placement)
        let runs = 1 + (occlusion?.count ?? 0)
        // What they all take counts, but no more of them have a place in the queue than wait there at once.
        let places = min(runs, Occlusion.atATime)
        try run.admission?.grow(to: places, size: runs * placement.count, run.context)
        let pixels = try classifier.budget?.require(image.bytes, for: .pixels)
        defer { withExtendedLifetime(pixels) {} }
        lease = try classifier.budget?.require(placement.count * ElementType.f32.size, for: .tensors)
        var (crops, begun) = try classifier.begin(bytes, image, run)
        let start = ContinuousClock.now
        tensor = try classifier.make(0, &crops, run)
        begun.preprocess += .now - start
        run.context.record.update { [begun] in $0.preprocess += begun.preprocess }
        progress = begun
    }

    /// The crop with a patch covered.
    ///
    /// - Throws: `memoryFull`.
    func covered(_ patch: Int, by occlusion: Occlusion) throws(ServingError) -> Tensor {
        let full = ServingError.memoryFull(wanted: tensor.byteCount, limit: 0)
        return try Tensor(shape: tensor.shape, outOfMemory: { _ in full }) {
            (values: inout MutableSpan<Float>) throws(ServingError) in
            tensor.withSpan { source in
                for index in source.indices { values[index] = source[index] }
            }
            occlusion.cover(patch, of: &values)
        }
    }
}
