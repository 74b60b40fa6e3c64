internal import HTTP
internal import HTTPTypes
internal import Support
internal import Tasks

/// What `:classify` answers with: JSON, or for shells and spreadsheets the best classes as text.
enum AnswerFormat: CaseIterable {
    case json, text, csv

    /// The format that a client would rather have by its `Accept`; of equals JSON, which it also gets when it takes none.
    init(accept: String?) {
        self = Self.allCases[MediaPreference.choice(accept, among: Self.allCases.map(\.mediaType))]
    }

    var mediaType: String {
        switch self {
        case .json: "application/json"
        case .csv: "text/csv"
        case .text: "text/plain"
        }
    }
}

/// Which of several forms of an answer a client would rather have.
enum MediaPreference {
    /// The place of the media type that an `Accept` weighs most, of equals the first, which also serves when it takes none.
    ///
    /// - Source: RFC 9110 §12.5.1; the most specific range that names a type has its weight.
    static func choice(_ accept: String?, among types: [String]) -> Int {
        guard let accept else { return 0 }
        var (choice, best) = (0, -1)
        let ranges = accept.lowercased().split(separator: ",").map { QualityValue.split(String($0)) }
        for (index, type) in types.enumerated() {
            let names = [type, "\(type.prefix { $0 != "/" })/*", "*/*"]
            let weight = names.lazy.compactMap { name in ranges.first { $0.name == name }?.weight }.first ?? 0
            if weight > best { (choice, best) = (index, weight) }
        }
        return choice
    }
}

/// The best classes of images as text: the label alone, a line for each; or a table.
struct ImageTable {
    private let format: AnswerFormat
    private var body: [UInt8]

    init(_ format: AnswerFormat) {
        self.format = format
        body = format == .csv ? Array("image,rank,index,label,probability,logit,error\r\n".utf8) : []
    }

    /// Appends the classes of an image, the best first, or what is wrong with it.
    mutating func append(_ result: Result<[ClassScores.Prediction], ServingError>, image: Int) {
        switch (result, format) {
        case (.success(let predictions), .csv):
            for (rank, prediction) in predictions.enumerated() {
                let numbers = [Float(prediction.probability), Float(prediction.logit)].map {
                    $0.isFinite ? $0.description : ""
                }
                line([
                    "\(image)", "\(rank + 1)", "\(prediction.index)", prediction.label ?? "", numbers[0],
                    numbers[1], "",
                ])
            }
        case (.success(let predictions), _):
            for prediction in predictions {
                body += Array("\(prediction.label ?? String(prediction.index))\n".utf8)
            }
        case (.failure(let error), .csv): line(["\(image)", "", "", "", "", "", error.message])
        case (.failure(let error), _): body += Array("error: \(error.code)\n".utf8)
        }
    }

    /// - Source: RFC 4180: quotes around what has commas, quotes or line ends, and quotes in it doubled.
    private mutating func line(_ values: [String]) {
        for (index, value) in values.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            let isPlain = value.utf8.allSatisfy { !",\"\r\n".utf8.contains($0) }
            body += isPlain ? Array(value.utf8) : Array("\"\(value.replacing("\"", with: "\"\""))\"".utf8)
        }
        body += Array("\r\n".utf8)
    }

    /// The answer, which is another one for another `Accept`.
    var response: Response {
        Response(fields: [.contentType: "\(format.mediaType); charset=utf-8", .vary: "Accept"], body: body)
    }
}
