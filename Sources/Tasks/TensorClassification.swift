package import Engine
package import Inference
package import Models
package import Support

/// Images that the client has prepared itself.
extension ImageClassifier {
    /// Classifies tensors as they are: each is one crop, as the network sees it.
    ///
    /// - Parameters:
    ///   - tensors: at least one, of the shape of the network's input: channels × height × width.
    ///   - model: one that takes images.
    ///   - admission: the request's place at the engine, which grows to all tensors.
    ///   - context: the request.
    /// - Returns: what the model says of each, in order.
    /// - Throws: `ServingError` 400 for a model that takes no images, for another shape and for numbers that are not finite;
    ///   and what `Scheduler.infer` throws.
    package func classify(
        tensors: [Tensor],
        with model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [ClassScores] {
        _ = try model.preprocessing(for: .imageClassification)
        try model.check(tensors)
        let shape = model.graph.inputShape
        try admission?.grow(to: tensors.count, size: tensors.count * shape.elementCount, context)
        let inference = try await scheduler.infer(
            model.network,
            items: tensors,
            admission: admission,
            context
        )
        var scores: [ClassScores] = []
        for (index, output) in inference.outputs.enumerated() {
            // What is not finite is looked for only where it has come out again.
            if !output.allSatisfy(\.isFinite) { try Self.checkFinite(tensors[index], index) }
            scores.append(try ClassScores([output], scoring: model.scoring))
        }
        return scores
    }

    private static func checkFinite(_ tensor: Tensor, _ index: Int) throws(ServingError) {
        let place = tensor.withSpan { span in span.indices.first { !span[$0].isFinite } }
        guard let place else { return }
        throw .invalidInput("number \(place) of image \(index) is not a finite number")
    }
}

extension Model {
    /// Requires that tensors are items of the network.
    ///
    /// - Throws: `ServingError` 400 with what it takes.
    func check(_ tensors: [Tensor]) throws(ServingError) {
        for tensor in tensors where tensor.shape != graph.inputShape {
            throw .invalidInput("model '\(name)' takes \(graph.inputShape), found \(tensor.shape)")
        }
    }
}
