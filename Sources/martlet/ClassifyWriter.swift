internal import API
internal import ArgumentParser
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// How `classify` writes its answers.
enum ClassifyFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    /// A row for each class of each image.
    case csv
    /// A JSON object for each image, each on a line of its own.
    case jsonl
    /// One JSON object.
    case json
}

/// Writes the answers of `classify` one by one.
struct ClassifyWriter: ~Copyable {
    private let format: ClassifyFormat
    private let model: Model
    private let topK: Int?
    private var destination: Destination
    private var isFirst = true

    init(_ format: ClassifyFormat, of model: Model, topK: Int?, to destination: consuming Destination) {
        self.format = format
        self.model = model
        self.topK = topK
        self.destination = destination
    }

    /// Writes what stands before the answers.
    ///
    /// - Throws: `SystemError` when it cannot be written.
    func begin() throws {
        switch format {
        case .table, .jsonl: break
        case .csv:
            try destination.write(
                CommaSeparated.record(["path", "rank", "index", "label", "probability", "error"])
            )
        case .json:
            let (name, version) = (JSONValue.string(model.name), JSONValue.string(model.version))
            try destination.write(#"{"model":\#(name.text),"version":\#(version.text),"results":["#)
        }
    }

    /// Writes what came of a file.
    ///
    /// - Throws: `SystemError` when it cannot be written.
    mutating func write(_ path: String, _ outcome: ImageStream<ImageClassifier.Answer>.Outcome) throws {
        switch format {
        case .table:
            guard case .success(let answer) = outcome else { return }
            let table = TextTable(answer.scores.listed(topK, labels: model.labels))
            try destination.write("\(isFirst ? "" : "\n")\(path)\n\(table.text)\n")
        case .csv: try destination.write(rows(path, outcome))
        case .jsonl: try destination.write(JSONValue.object(json(path, outcome)).text + "\n")
        case .json: try destination.write((isFirst ? "" : ",") + JSONValue.object(json(path, outcome)).text)
        }
        isFirst = false
    }

    /// Writes what stands after the answers.
    ///
    /// - Throws: `SystemError` when it cannot be written.
    consuming func end() throws {
        if format == .json { try destination.write("]}\n") }
        try destination.close()
    }

    private func json(_ path: String, _ outcome: ImageStream<ImageClassifier.Answer>.Outcome) throws
        -> JSONObject
    {
        var entry: JSONObject = ["path": .string(path)]
        switch outcome {
        case .success(let answer):
            entry.append(contentsOf: try ImageAnswer(topK: topK, labels: model.labels).json(answer))
        case .failure(let error): entry.append("error", .string(error.description))
        }
        return entry
    }

    private func rows(_ path: String, _ outcome: ImageStream<ImageClassifier.Answer>.Outcome) -> String {
        switch outcome {
        case .failure(let error):
            return CommaSeparated.record([path, "", "", "", "", error.description])
        case .success(let answer):
            let listed = answer.scores.listed(topK, labels: model.labels)
            // A file whose classes all stay below the threshold has a row too.
            guard !listed.isEmpty else { return CommaSeparated.record([path, "", "", "", "", ""]) }
            return listed.enumerated().map { rank, prediction in
                let probability = JSONValue.float(Float(prediction.probability)).text
                return CommaSeparated.record(
                    [path, "\(rank + 1)", "\(prediction.index)", prediction.label ?? "", probability, ""]
                )
            }.joined()
        }
    }
}

/// Where the output of a command goes: to standard output as it comes, or to a file that appears when it is whole.
struct Destination: ~Copyable {
    private let file: OutputFile?

    /// - Parameter path: the file; nil is standard output.
    /// - Throws: `SystemError` when the file cannot be made.
    init(_ path: String?) throws {
        if let path { file = try OutputFile(path: path) } else { file = nil }
    }

    /// Writes a text at once.
    ///
    /// - Throws: `SystemError` when it cannot be written.
    func write(_ text: String) throws {
        switch file {
        case .some(let file): try file.write(Array(text.utf8))
        case .none: try StandardStream.output.send(text)
        }
    }

    /// Ends the output.
    ///
    /// - Throws: `SystemError` when the file cannot be put in its place.
    consuming func close() throws {
        if let file { try file.commit() }
    }
}

extension TextTable {
    /// The classes of an answer, the most probable first.
    init(_ predictions: [ClassScores.Prediction]) {
        columns = ["probability", "index", "label"]
        rows = predictions.map { [percent($0.probability), "\($0.index)", $0.label ?? ""] }
    }
}
