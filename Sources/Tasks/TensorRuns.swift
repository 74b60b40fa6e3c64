package import Engine
internal import Imaging
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
    ///   - network: the one for the shapes of the tensors; nil for the model's own.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: the outputs of each item, one behind the other.
    /// - Throws: `ServingError` 400 for numbers that stand for no token; and what `Scheduler.infer` throws.
    package func outputs(
        of items: [Tensor],
        with model: Model,
        on network: ServedNetwork? = nil,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [[Float]] {
        let network = network ?? model.network
        let shape = network.graph.inputShape
        if let item = items.first(where: { $0.shape.elementCount != shape.elementCount }) {
            throw .invalidInput("model '\(model.name)' takes \(shape), found \(item.shape)")
        }
        if !network.graph.tokenColumns.isEmpty {
            for item in items {
                guard let (value, size) = network.graph.firstUnknownToken(in: item.values) else { continue }
                throw .badRequest(
                    "expected whole numbers from 0 to \(size - 1), found \(value)",
                    code: "unknown_token"
                )
            }
        }
        try admission?.grow(to: items.count, size: items.count * shape.elementCount, context)
        let items = items.map { $0.reshaped(to: shape) }
        return try await scheduler.infer(network, items: items, admission: admission, context).outputs
    }

    /// What networks give for images that run together, in numbers.
    private static let numbersAtATime = 4 << 20

    /// Runs images in groups, so that what the network gives for one of them is all that is held, and makes an answer of each.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - model: whose network runs.
    ///   - preprocessing: how images are prepared for it.
    ///   - count: the numbers that come of an image.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    ///   - answer: makes it of what the network gave, of which the numbers are leased.
    /// - Returns: an answer or an error for each image, in order.
    /// - Throws: `memoryFull`, what `answer` throws; and as `classify(images:with:)`.
    func answers<Answer: Sendable>(
        to images: [Result<ArraySlice<UInt8>, ServingError>],
        of model: Model,
        _ preprocessing: Preprocessing,
        numbers count: Int,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext,
        _ answer: (ImageRun) throws(ServingError) -> Answer
    ) async throws(ServingError) -> [Result<Answer, ServingError>] {
        let size = max(1, Self.numbersAtATime / max(1, count))
        var answers: [Result<Answer, ServingError>] = []
        for start in stride(from: 0, to: images.count, by: size) {
            let group = Array(images[start..<min(start + size, images.count)])
            let lease = try budget?.require(group.count * count * ElementType.f32.size, for: .answers)
            defer { withExtendedLifetime(lease) {} }
            let runs = try await run(
                images: group,
                model.network,
                preprocessing,
                Options(),
                admission,
                context: context
            )
            for run in runs {
                switch run {
                case .failure(let error): answers.append(.failure(error))
                case .success(let run): answers.append(.success(try answer(run)))
                }
            }
        }
        return answers
    }
}
