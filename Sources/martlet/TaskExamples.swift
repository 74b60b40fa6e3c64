internal import API
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// Examples of a sequence model with what it should say to each, a JSON object in each line of a file.
///
/// `instance` is what the model is given, as in a request. What it should say is `label` (a class), `labels` (one for each
/// step), `values` (of a regression's last step), `target` (a text, or an array of tokens), or nothing for a text that is to
/// be likely; `context` says how many steps at the beginning are not judged, having too few before them.
struct TaskExamples: ~Copyable {
    /// What is right.
    enum Truth: Sendable {
        case classIndex(Int)
        case tags([Int])
        case values([Double])
        case target(String)
        case likelihood
    }

    /// One line.
    struct Example: Sendable {
        let place: String
        let instance: Instance
        let truth: Truth
        /// How many steps at the beginning are not judged.
        let context: Int
    }

    private let path: String
    private let model: Model
    private let classes: ClassNames
    private var lines: LineReader
    private var line = 0

    /// - Throws: `SystemError` when the file cannot be opened.
    init(_ path: String, of model: Model) throws {
        self.path = path
        self.model = model
        classes = ClassNames(model)
        lines = try LineReader(path: path, maxBytes: 64 << 20)
    }

    /// The next example; nil after the last.
    ///
    /// - Throws: `CommandError` that says what is wrong in which line.
    mutating func next() throws -> Example? {
        while let text = try lines.next() {
            line += 1
            if !text.allSatisfy(\.isWhitespace) { return try example(text, "\(path) line \(line)") }
        }
        return nil
    }

    private func example(_ text: String, _ place: String) throws -> Example {
        do {
            let object = try JSONValue(parsing: Array(text.utf8))
            guard let instance = object["instance"] else {
                throw CommandError("expected a member 'instance'")
            }
            return Example(
                place: place,
                instance: try InstanceReader.instance(Array(instance.text.utf8), for: model),
                truth: try truth(object),
                context: try object["context"].map { try Self.number($0, "context") }.map { Int($0) } ?? 0
            )
        } catch {
            throw CommandError("\(place): \(error)")
        }
    }

    private func truth(_ object: JSONValue) throws -> Truth {
        switch model.manifest.task {
        case .imageClassification, .sequenceClassification:
            return .classIndex(try classes.index(of: Self.text(try Self.member("label", of: object))))
        case .tokenClassification:
            let labels = try Self.array(try Self.member("labels", of: object), "labels")
            return .tags(try labels.map { try classes.index(of: Self.text($0)) })
        case .sequenceRegression:
            let values = try Self.array(try Self.member("values", of: object), "values")
            guard values.count == model.classes else {
                throw CommandError("values: expected \(model.classes) numbers, found \(values.count)")
            }
            return .values(try values.map { try Self.number($0, "values") })
        case .textGeneration: return .likelihood
        case .sequenceToSequence: return .target(Self.text(try Self.member("target", of: object)))
        case .objectDetection, .semanticSegmentation, .imageCaptioning, .embedding, .tensors:
            throw CommandError("a model for '\(model.manifest.task.rawValue)' has no examples in JSON lines")
        }
    }

    private static func member(_ name: String, of object: JSONValue) throws -> JSONValue {
        guard let value = object[name] else { throw CommandError("expected a member '\(name)'") }
        return value
    }

    private static func array(_ value: JSONValue, _ name: String) throws -> [JSONValue] {
        guard case .array(let values) = value else { throw CommandError("\(name): expected an array") }
        return values
    }

    private static func number(_ value: JSONValue, _ name: String) throws -> Double {
        guard case .number(let number) = value else { throw CommandError("\(name): expected a number") }
        return number
    }

    /// A string as it is; of an array of tokens, these with spaces between; anything else as JSON.
    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .array(let values): values.map(text).joined(separator: " ")
        default: value.text
        }
    }
}

/// The classes of a model by their labels and their numbers.
struct ClassNames: Sendable {
    private let model: Model
    private var numbers: [String: Int] = [:]

    init(_ model: Model) {
        self.model = model
        for (index, label) in (model.labels ?? []).enumerated() where numbers[label] == nil {
            numbers[label] = index
        }
    }

    /// The number of the class that a text names, by its label or its number.
    ///
    /// - Throws: `CommandError` that says which label is near.
    func index(of text: String) throws -> Int {
        if let index = numbers[text] { return index }
        if let index = Int(text), 0..<model.classes ~= index { return index }
        let hint = nearestName(to: text, in: model.labels ?? []).map { "; did you mean '\($0)'?" } ?? ""
        throw CommandError("model '\(model.name)' has no class '\(text)'\(hint)")
    }
}

extension Model {
    /// What a class is called: its label, or its number.
    func className(_ index: Int) -> String { labels?[index] ?? "\(index)" }
}
