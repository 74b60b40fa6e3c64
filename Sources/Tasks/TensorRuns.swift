package import Engine
package import Inference
package import Models
internal import Platform
package import Support

/// Tensors that go through a network as they are, for the tasks that make something of what comes out.
extension ImageClassifier {
    /// Runs items of a model's network.
    ///
    /// - Throws: `ServingError` 400 for another shape; and what `Scheduler.infer` throws.
    func infer(
        _ tensors: [Tensor],
        _ model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws(ServingError) -> InferenceResult {
        try model.check(tensors)
        let size = tensors.count * model.graph.inputShape.elementCount
        try admission?.grow(to: tensors.count, size: size, context)
        return try await scheduler.infer(model.network, items: tensors, admission: admission, context)
    }

    /// The outputs of a model for any tensors, of each item.
    ///
    /// - Parameters:
    ///   - items: each with its inputs one behind the other.
    ///   - model: one for tensors.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: the outputs of each item, one behind the other.
    /// - Throws: `ServingError` 400 for numbers that stand for no token; and what `Scheduler.infer` throws.
    package func outputs(
        of items: [Tensor],
        with model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [[Float]] {
        if !model.graph.tokenColumns.isEmpty {
            for item in items {
                guard let (value, size) = model.graph.firstUnknownToken(in: item.values) else { continue }
                throw .badRequest(
                    "expected whole numbers from 0 to \(size - 1), found \(value)",
                    code: "unknown_token"
                )
            }
        }
        return try await infer(items, model, admission, context).outputs
    }

    /// Works on images in groups, so that what networks give for one of them is all that is held.
    ///
    /// - Parameters:
    ///   - images: any number.
    ///   - count: the numbers that come of an image.
    ///   - most: how many numbers of a group there may be, where it has more than one image.
    ///   - work: what is done with a group, of which the numbers are leased.
    /// - Returns: what `work` makes, in order.
    /// - Throws: `memoryFull`, and what `work` throws.
    func inGroups<Image: Sendable, Answer: Sendable>(
        _ images: [Image],
        numbers count: Int,
        atATime most: Int,
        _ work: ([Image]) async throws(ServingError) -> [Answer]
    ) async throws(ServingError) -> [Answer] {
        let size = max(1, most / max(1, count))
        var answers: [Answer] = []
        for start in stride(from: 0, to: images.count, by: size) {
            let group = Array(images[start..<min(start + size, images.count)])
            let lease = try budget?.require(group.count * count * ElementType.f32.size, for: .answers)
            defer { withExtendedLifetime(lease) {} }
            answers += try await work(group)
        }
        return answers
    }
}
