internal import Engine
internal import Imaging
internal import Inference
internal import Models
internal import Support

/// Turns clips, images one after another, into the features that a recurrent network takes.
///
/// The frames of all clips pass through the extractor as images do, and share batches with those of other requests.
struct FrameEncoder: Sendable {
    let classifier: ImageClassifier

    /// A sequence of features for each clip.
    ///
    /// - Throws: what `ImageClassifier.run` throws; for a bad image the message begins with its clip and frame.
    func encode(
        _ clips: [[ArraySlice<UInt8>]],
        with extractor: ServedNetwork,
        _ preprocessing: Preprocessing,
        _ context: RequestContext
    ) async throws(ServingError) -> [SequenceEncoder.Encoded] {
        let images = clips.flatMap { $0.map { Result<ArraySlice<UInt8>, ServingError>.success($0) } }
        var results = try await classifier.run(
            images: images,
            extractor,
            preprocessing,
            context: context
        )[...]
        return try clips.enumerated().map { clip, frames throws(ServingError) in
            var features: [Float] = []
            for (frame, result) in results.prefix(frames.count).enumerated() {
                do throws(ServingError) {
                    features += try result.get().outputs[0].finite()
                } catch {
                    throw error.at("instance \(clip): frame \(frame)")
                }
            }
            results = results.dropFirst(frames.count)
            let shape: Shape = [frames.count, features.count / frames.count]
            return SequenceEncoder.Encoded(tensor: Tensor(shape: shape, values: features), isClip: true)
        }
    }
}
