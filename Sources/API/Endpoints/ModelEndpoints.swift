internal import FoundationEssentials
internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Support
internal import Zoo

extension Service {
    /// `GET /v1/models`: every model of the folder that the call's key opens, also those that failed to load.
    func listModels(_ call: Call) -> Response {
        let models = registry.models().filter { call.opens($0.name) }
        return Response(json: ["models": .array(models.map { $0.json() })])
    }

    /// `GET /v1/models/{model}`: one model, with TensorFlow Serving's `model_version_status`.
    func describeModel(_ call: Call) throws -> Response {
        let entry = try registry.entry(named: call.model, version: call.version)
        let versions = call.version.flatMap(entry.version).map { [$0] } ?? entry.versions
        return Response(json: entry.json(version: call.version, status: versions))
    }

    /// `GET /v1/models/{model}/labels`: the classes by index.
    func listLabels(_ call: Call) throws -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        guard let labels = model.labels else {
            throw ServingError.missing(code: "no_labels", "model '\(model.name)' has no labels")
        }
        return Response(json: ["labels": .strings(labels)])
    }
    /// `GET /v1/models/{model}/layers`: the table of `martlet inspect --json`; of a network of several graphs one after the
    /// other.
    func listLayers(_ call: Call) async throws -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        let (extractor, decoder) = (model.pipeline.extractor, model.pipeline.decoder)
        let networks = [extractor, model.network, decoder].compactMap(\.self)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let table = try encoder.encode(LayerTable(networks.map(\.graph)))
        return Response(fields: [.contentType: "application/json"], body: Array(table))
    }
}
