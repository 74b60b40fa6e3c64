internal import Engine
package import Imaging
internal import Inference
internal import Models
internal import Platform
internal import Support

/// The frames of a clip, still encoded: images one after another, or an animation alone.
package enum Clip: Sendable {
    case images([ArraySlice<UInt8>])
    case animation(Animation)

    /// Takes the images that a client sent; one alone that is an animation stands for its frames.
    package init(_ images: [ArraySlice<UInt8>]) {
        if images.count == 1, let animation = Animation(images[0]) {
            self = .animation(animation)
        } else {
            self = .images(images)
        }
    }

    /// How many frames there are.
    package var count: Int {
        switch self {
        case .images(let images): images.count
        case .animation(let animation): animation.count
        }
    }

    /// Requires frames, and not too many.
    func checked(atMost limit: Int) throws(ServingError) -> Clip {
        try SequenceEncoder.checkLength(count, atMost: limit)
        return self
    }
}

/// Turns clips, images one after another, into the features that a recurrent network takes.
///
/// The frames of all clips pass through the extractor as images do: the engine admits them before the first is decoded, and
/// they share batches with those of other requests. Those of an animation are made of it first, all at once.
struct FrameEncoder: Sendable {
    let classifier: ImageClassifier

    /// Sequences as a network takes them, and what they were leased, which has to last as long.
    typealias Encoded = (sequences: [SequenceEncoder.Encoded], lease: MemoryLease?)

    /// A sequence of features for each clip.
    ///
    /// - Parameters:
    ///   - clips: none of them empty.
    ///   - extractor: what makes features of an image.
    ///   - preprocessing: how images are prepared for it.
    ///   - admission: the request's place at the engine; it grows to all frames before the first is decoded.
    ///   - context: the request.
    /// - Returns: the sequences in the order of the clips.
    /// - Throws: what `ImageClassifier.run` throws; for a bad image the message begins with its clip and frame.
    func encode(
        _ clips: [Clip],
        with extractor: ServedNetwork,
        _ preprocessing: Preprocessing,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws(ServingError) -> Encoded {
        var (frames, leases) = ([[ArraySlice<UInt8>]](), [MemoryLease]())
        for (index, clip) in clips.enumerated() {
            switch clip {
            case .images(let images): frames.append(images)
            case .animation(let animation):
                frames.append(try drawn(animation, of: index, holding: &leases, context))
            }
        }
        defer { withExtendedLifetime(leases) {} }
        let output = extractor.graph.shape(of: extractor.graph.outputs[0].value)
        let count = frames.reduce(0) { $0 + $1.count }
        // What the network gives, and the sequences that are made of it.
        let bytes = 2 * count * output.elementCount * MemoryLayout<Float>.stride
        let lease = try classifier.budget?.require(bytes, for: .tensors)
        let results = try await classifier.run(
            images: frames.joined().map(Result.success),
            extractor,
            preprocessing,
            ImageClassifier.Options(),
            admission,
            context: context
        )
        return (try sequences(of: frames.map(\.count), results), lease)
    }

    /// The features of clips of so many frames, whose runs stand one behind another.
    private func sequences(
        of counts: [Int],
        _ results: [Result<ImageRun, ServingError>]
    ) throws(ServingError) -> [SequenceEncoder.Encoded] {
        var results = results[...]
        return try counts.enumerated().map { clip, count throws(ServingError) in
            var features: [Float] = []
            for (frame, result) in results.prefix(count).enumerated() {
                do throws(ServingError) {
                    features += try result.get().outputs[0].finite()
                } catch {
                    throw error.at("instance \(clip): frame \(frame)")
                }
            }
            results = results.dropFirst(count)
            let shape: Shape = [count, features.count / count]
            return SequenceEncoder.Encoded(tensor: Tensor(shape: shape, values: features), isClip: true)
        }
    }

    /// The frames of an animation, each a file of its own; what they take is leased first.
    private func drawn(
        _ animation: Animation,
        of clip: Int,
        holding leases: inout [MemoryLease],
        _ context: RequestContext
    ) throws(ServingError) -> [ArraySlice<UInt8>] {
        let start = ContinuousClock.now
        defer { context.record.update { $0.decode += .now - start } }
        func told<Value>(
            _ body: () throws(Animation.Failure) -> Value
        ) throws(ServingError) -> Value {
            do throws(Animation.Failure) {
                return try body()
            } catch {
                let refusal = ImageClassifier.refusal(error.error, context)
                throw refusal.at("instance \(clip): frame \(error.frame)")
            }
        }
        let limits = classifier.limits
        let bytes = try told { () throws(Animation.Failure) in try animation.bytes(limits) }
        if let budget = classifier.budget { leases.append(try budget.require(bytes, for: .pixels)) }
        let frames = try told { () throws(Animation.Failure) in
            try animation.frames(limits) { context.isWanted }
        }
        return frames.map { $0[...] }
    }
}
