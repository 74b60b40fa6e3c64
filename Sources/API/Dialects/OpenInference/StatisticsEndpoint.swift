internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support

/// Triton's statistics of the models, from the same counts as `/metrics`.
///
/// - Source: Triton's `extension_statistics.md`.
extension Service {
    /// `GET /v2/models/stats`, `GET /v2/models/{model}/stats`: of each version that is loaded.
    func showStatistics(_ call: Call) throws -> Response {
        let entries =
            call.model.isEmpty
            ? registry.models().filter { call.opens($0.name) }
            : [try registry.entry(named: call.model, version: call.version)]
        let models = entries.flatMap(\.versions).filter { call.version == nil || $0.version == call.version }
            .compactMap(\.model)
        return Response(json: ["model_stats": .array(models.map(statistics))])
    }

    private func statistics(of model: Model) -> JSONValue {
        let counts = metrics.model(model.name, version: model.version)
        let usage = counts.usage
        let batches = usage.batches.enumerated().filter { $1.count > 0 }
        return .object([
            "name": .string(model.name), "version": .string(model.version),
            "last_inference": .integer(usage.lastInference),
            "inference_count": .integer(usage.items),
            "execution_count": .integer(batches.reduce(0) { $0 + $1.element.count }),
            "inference_stats": .object([
                "success": usage.success.json, "fail": usage.failure.json, "queue": usage.queue.json,
                "compute_input": usage.preparing.json, "compute_infer": usage.inference.json,
                "compute_output": usage.rendering.json,
                "cache_hit": Tally().json, "cache_miss": Tally().json,
            ]),
            "response_stats": .object([:]),
            "batch_stats": .array(
                batches.map { size, tally in
                    // Copying into a batch and out of it is part of running it.
                    let none = Tally(count: tally.count, nanoseconds: 0)
                    return .object([
                        "batch_size": .integer(size), "compute_input": none.json,
                        "compute_infer": tally.json, "compute_output": none.json,
                    ])
                }
            ),
            "memory_usage": .array([
                .object([
                    "type": .string("CPU"), "id": .integer(0), "byte_size": .integer(model.bytes),
                ])
            ]),
        ])
    }
}

extension Tally {
    fileprivate var json: JSONValue {
        .object(["count": .integer(count), "ns": .integer(nanoseconds)])
    }
}
