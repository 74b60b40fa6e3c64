import API
import Foundation
import HTTP
import HTTPTypes
import Inference
import Logging
import Models
import Support

/// A service of some models of a folder, without a socket; it ends with its object.
final class BundledAPI: Sendable {
    let service: Service
    let scheduler: Scheduler
    let registry: Registry

    /// What it answered.
    struct Answer {
        let status: Int
        let body: [UInt8]
        /// Null where the body is none.
        let json: JSONValue
    }

    init(_ names: Set<String>, in folder: String = Repository.weights) throws {
        let metrics = ServingMetrics(version: "test")
        scheduler = try Scheduler(threads: 2, metrics: metrics)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        registry = Registry(
            folder: folder,
            logger: logger,
            warmUp: scheduler.warmUp,
            retire: scheduler.retire
        )
        try registry.load { names.contains($0) }
        service = try Service(registry: registry, metrics: metrics, scheduler: scheduler)
    }

    deinit { scheduler.stop() }

    func get(_ path: String, query: [Query.Pair] = []) -> Answer {
        answer(Request(method: .get, path: path, query: Query(query)))
    }

    func post(_ path: String, _ body: [UInt8], type: String? = nil, query: [Query.Pair] = []) -> Answer {
        var fields = HTTPFields()
        if let type { fields[.contentType] = type }
        return answer(Request(method: .post, path: path, query: Query(query), fields: fields, body: body))
    }

    func post(_ path: String, json: String) -> Answer {
        post(path, Array(json.utf8), type: "application/json")
    }

    func answer(_ request: Request) -> Answer {
        let response = service.respond(to: request)
        let json = try? JSONValue(parsing: response.body) // events and texts are none
        return Answer(status: response.status.code, body: response.body, json: json ?? .null)
    }

    /// An example image, and the same in base64.
    static func example(_ name: String = "digit-7.png") throws -> (bytes: [UInt8], base64: String) {
        let bytes = try Repository.example(name)
        return (bytes, Data(bytes).base64EncodedString())
    }
}

extension JSONValue {
    var textValue: String? { if case .string(let text) = self { text } else { nil } }
    var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    var keys: [String] { if case .object(let object) = self { object.members.map(\.key) } else { [] } }
}
