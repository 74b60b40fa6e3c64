internal import Models
internal import Support
internal import Tasks

/// The tags of a text as `token_classification` answers them: each token, or groups of neighbours with one label.
///
/// - Source: transformers, `pipelines/token_classification.py`, `group_entities` and `get_tag`.
struct HuggingFaceTags {
    /// How tokens become entities; those that would put pieces of words together are the same for whole words.
    fileprivate enum Aggregation: String, CaseIterable {
        case none, simple, first, average, max
    }

    struct Options {
        fileprivate var aggregation = Aggregation.none
        fileprivate var ignored = ["O"]

        /// - Throws: `ServingError` for an unknown parameter and a wrong type.
        init(_ parameters: JSONObject) throws(ServingError) {
            do throws(FormatError) {
                let fields = JSONFields(path: "parameters", object: parameters)
                aggregation = try fields.optional("aggregation_strategy")?.choice() ?? aggregation
                if let reader = fields.optional("ignore_labels") {
                    ignored = []
                    for element in try reader.array() { ignored.append(try element.string()) }
                }
            } catch {
                throw .badRequest(error.description, code: "invalid_parameter")
            }
            _ = try parameters.checked(["aggregation_strategy", "ignore_labels"])
        }
    }

    /// A token, or neighbours that are one entity.
    private struct Entity {
        let label: String
        /// From 1.
        let index: Int
        var scores: [Double]
        /// In Unicode scalars of the text, as Python counts.
        var range: Range<Int>
    }

    private let text: [Unicode.Scalar]
    private let entities: [Entity]

    /// - Parameters:
    ///   - tags: the tag of each token.
    ///   - instance: what they are of.
    ///   - labels: of the model.
    init(_ tags: TokenTags, of instance: Instance, labels: [String]?) {
        let words: [String?] = tags.tags.map { tag in
            switch tag.token {
            case .text(let text): text
            case .number(let number): String(number)
            case nil: nil
            }
        }
        // What is no text is named by its tokens.
        let text =
            if case .text(let text) = instance { text } else { words.map { $0 ?? "" }.joined(separator: " ") }
        self.text = Array(text.unicodeScalars)
        var (entities, position) = ([Entity](), 0)
        for (index, tag) in tags.tags.enumerated() {
            let range = Self.range(of: words[index] ?? "", in: self.text, from: position)
            position = range.upperBound
            let best = tag.scores.top(1, labels: labels)[0]
            entities.append(
                Entity(label: best.name, index: index + 1, scores: [best.probability], range: range)
            )
        }
        self.entities = entities
    }

    /// Where a token stands; nowhere, at the position itself, when the text does not have it as it is.
    private static func range(of word: String, in text: [Unicode.Scalar], from position: Int) -> Range<Int> {
        let word = Array(word.unicodeScalars)
        var start = position
        while start + word.count <= text.count {
            if text[start..<start + word.count].elementsEqual(word) { return start..<start + word.count }
            start += 1
        }
        return position..<position
    }

    func json(_ options: Options) -> JSONValue {
        guard options.aggregation == .none else {
            let groups = groups.filter { !options.ignored.contains($0.label) }
            return .array(groups.map { .object(json($0, ["entity_group": .string($0.label)])) })
        }
        let tokens = entities.filter { !options.ignored.contains($0.label) }
        return .array(
            tokens.map { .object(json($0, ["entity": .string($0.label), "index": .integer($0.index)])) }
        )
    }

    private func json(_ entity: Entity, _ heading: JSONObject) -> JSONObject {
        let word = String(String.UnicodeScalarView(text[entity.range]))
        let score = entity.scores.reduce(0, +) / Double(entity.scores.count)
        var json = heading
        json.append("score", .float(Float(score)))
        json.append("word", .string(word))
        json.append("start", .integer(entity.range.lowerBound))
        json.append("end", .integer(entity.range.upperBound))
        return json
    }

    /// Neighbours of one label together; `B-` begins another entity.
    private var groups: [Entity] {
        var groups: [Entity] = []
        for entity in entities {
            let (begins, label) = Self.tag(entity.label)
            if !begins, let last = groups.last, last.label == label {
                groups[groups.count - 1].scores += entity.scores
                groups[groups.count - 1].range = last.range.lowerBound..<entity.range.upperBound
            } else {
                groups.append(
                    Entity(label: label, index: entity.index, scores: entity.scores, range: entity.range)
                )
            }
        }
        return groups
    }

    /// A label without the prefix that says whether an entity begins there.
    private static func tag(_ label: String) -> (begins: Bool, label: String) {
        if label.hasPrefix("B-") { return (true, String(label.dropFirst(2))) }
        return (false, label.hasPrefix("I-") ? String(label.dropFirst(2)) : label)
    }
}
