internal import Engine
internal import Support

/// Turns clips, images one after another, into the features that a recurrent network takes.
///
/// The frames of all clips pass through the extractor as images do, and share batches with those of other requests.
struct FrameEncoder: Sendable {
    let classifier: ImageClassifier

    /// The images of a clip, not decoded yet: an array of `{"b64": "…"}`, or one alone.
    ///
    /// - Throws: `ServingError` 400 that names the frame.
    static func read(_ instance: JSONValue, atMost limit: Int) throws(ServingError) -> [ArraySlice<UInt8>] {
        guard case .array(let frames) = instance else {
            return [try ImageUpload.instance(instance, at: "frame 0")]
        }
        try SequenceEncoder.checkLength(frames.count, atMost: limit)
        return try frames.enumerated().map { index, frame throws(ServingError) in
            try ImageUpload.instance(frame, at: "frame \(index)")
        }
    }

    /// A sequence of features for each clip.
    ///
    /// - Throws: what `ImageClassifier.classify` throws; for a bad image the message begins with its clip and frame.
    func encode(
        _ clips: [[ArraySlice<UInt8>]],
        with extractor: Model,
        _ options: ImageClassifier.Options
    ) throws(ServingError) -> [SequenceEncoder.Encoded] {
        let images = clips.flatMap { $0.map { Result<ArraySlice<UInt8>, ServingError>.success($0) } }
        var results = try classifier.classify(images: images, with: extractor, options)[...]
        return try clips.enumerated().map { clip, frames throws(ServingError) in
            var features: [Float] = []
            for (frame, result) in results.prefix(frames.count).enumerated() {
                do throws(ServingError) {
                    features += try result.get().outputs[0]
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
