package import Models
package import Support

/// From a detector's numbers to boxes in pixels of the network's input.
///
/// What is no box is left out without a word: one with a side that is not finite or no area, and a score that is not finite.
/// To add a format: its case in `BoxDescription.Format`, what it needs in `BoxHead`, and a function of tensors in a file.
package enum BoxDecoder {
    /// The boxes whose score reaches a threshold.
    ///
    /// - Parameters:
    ///   - outputs: what the network hands out of an item.
    ///   - head: what they are.
    ///   - threshold: the lowest score.
    ///   - context: whose deadline and departure end it.
    /// - Returns: one box for each anchor where a format has one class, else one for each of its classes that reaches it.
    /// - Throws: why nobody waits.
    package static func candidates(
        _ outputs: [Float],
        _ head: BoxHead,
        threshold: Double,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) -> [BoxCandidate] {
        let parts = head.split(outputs)
        switch head.description.format {
        case .yolov8, .yolox: return try yolo(parts[0], head, threshold, context)
        case .ssd, .corners: return try pairs(parts, head, threshold, context)
        }
    }

    /// Anchors between two looks at the clock.
    static let stretch = 4096
}
