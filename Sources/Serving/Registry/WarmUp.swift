internal import Engine
package import Support

extension Scheduler {
    /// Runs a model once on zeros (a sequence of one step), so that its first request finds everything laid out.
    ///
    /// - Throws: `ServingError` when the model cannot run, or gives an output that is not a finite number.
    package func warmUp(_ model: Model) throws(ServingError) {
        for network in model.networks {
            let shape = network.graph.inputShape
            let zeros = Tensor(shape: shape, values: Array(repeating: 0, count: shape.elementCount))
            let inference = try infer(network, items: [zeros])
            _ = try ClassScores(inference.outputs)
        }
    }
}
