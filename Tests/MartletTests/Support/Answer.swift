import Foundation
import Models
import Support

/// One answer as it came over the wire.
struct Answer {
    let status: Int
    /// Values by lower-cased name.
    let fields: [String: String]
    var body: [UInt8] = []

    init(head: String) throws {
        let lines = head.components(separatedBy: "\r\n")
        let parts = lines[0].split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw Client.Failure("not a status line: \(lines[0])")
        }
        self.status = status
        fields = Dictionary(
            lines.dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                return (line[..<colon].lowercased(), value)
            },
            uniquingKeysWith: { "\($0), \($1)" }
        )
    }

    var contentLength: Int? { fields["content-length"].flatMap { Int($0) } }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as a JSON value of the given type.
    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw Client.Failure("status \(status), not a \(type): \(text.prefix(500)) (\(error))")
        }
    }

    /// The JSON text of each `"predictions":[…]` in the body, byte for byte as the daemon wrote it.
    func predictionTexts() -> [String] {
        let text = self.text
        return text.ranges(of: #/"predictions"\s*:\s*/#).map { key in
            var depth = 0
            let array = text[key.upperBound...].prefix { character in
                if character == "[" { depth += 1 }
                if character == "]" { depth -= 1 }
                return depth > 0
            }
            return array + "]"
        }
    }
}

/// Every error's body.
struct ErrorBody: Decodable {
    let error: String
    let code: String
}

/// One class with its probability, of an image or a sequence.
struct Prediction: Decodable {
    let index: Int
    let label: String
    let probability: Double
}

/// What `:predict` answers for sequence classification.
struct Predictions: Decodable {
    let predictions: [Prediction]
}

/// What `:classify` answers for one image.
struct Classification: Decodable {
    struct Crops: Decodable {
        let mode: String
        let count: Int
    }

    struct ImageFacts: Decodable {
        let format: String
        let width: Int
        let height: Int
    }

    let model: String
    let version: String
    let predictions: [Prediction]
    let crops: Crops
    let image: ImageFacts
}

/// What `GET /v1/models` answers.
struct Listing: Decodable {
    struct Model: Decodable {
        let name: String
        let version: String
        let state: String
        let reason: String?
        let architecture: String?
        let classes: Int?
    }

    let models: [Model]

    subscript(name: String) -> Model? { models.first { $0.name == name } }
}
