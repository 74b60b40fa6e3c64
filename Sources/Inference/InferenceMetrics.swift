internal import Support

/// What the engine tells the metrics.
extension ServingMetrics {
    func observe(_ inference: InferenceResult, _ network: ServedNetwork) {
        queueDuration.observe(inference.queue, network.model, network.version)
        inferenceDuration.observe(inference.compute, network.model, network.version)
    }

    func observeBatch(of network: ServedNetwork, _ count: Int, _ reason: BatchPolicy.Reason) {
        items.add(Double(count), network.model, network.version)
        batchSize.observe(Double(count), network.model, network.version)
        batches.add(1, network.model, network.version, reason.rawValue)
    }

    func countRejection(_ error: ServingError) {
        rejections.add(1, error.code)
    }
}
