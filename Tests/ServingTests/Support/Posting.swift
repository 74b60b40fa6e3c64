import API
import HTTP
import HTTPTypes

extension Service {
    /// The answer to JSON that is posted to a verb of a model.
    func post(_ json: String, to model: String, _ verb: String) -> Response {
        respond(
            to: Request(
                method: .post,
                path: "/v1/models/\(model):\(verb)",
                fields: [.contentType: "application/json"],
                body: Array(json.utf8)
            )
        )
    }
}
