internal import Engine
internal import Imaging
internal import Models
internal import Platform
internal import Support

/// How an answer is explained.
package enum ExplanationMethod: String, Sendable, CaseIterable {
    /// The class activation map: what each position of the last maps gives to the class.
    case classActivation = "cam"
    /// What the class loses when a part of the image is covered.
    case occlusion
    /// What the answer loses when a token is left out.
    case leaveOneOut = "leave-one-out"
}

/// What of an answer is explained: a class with its probability, or a value of a regression.
package struct ExplainedClass: Sendable, Equatable {
    package let index: Int
    /// Nil when the model has no labels.
    package let label: String?
    /// The class's probability, or the value of a regression.
    package let score: Double
    /// Nil for a value.
    package let logit: Double?
}

extension ExplainedClass {
    /// The class that a request names, by its label or its number; nil where it names none.
    ///
    /// - Throws: `ServingError` 400 with the nearest label.
    static func index(of name: String?, in model: Model) throws(ServingError) -> Int? {
        guard let name else { return nil }
        if let index = model.labels?.firstIndex(of: name) { return index }
        if let index = Int(name), 0..<model.classes ~= index { return index }
        let hint =
            model.labels.flatMap { nearestName(to: name, in: $0) }.map { "; did you mean '\($0)'?" } ?? ""
        let labels = model.labels == nil ? "" : ", or a label"
        throw .badRequest(
            "class: expected a number from 0 to \(model.classes - 1)\(labels), found '\(name.clipped(to: 200))'\(hint)",
            code: "unknown_class"
        )
    }

    /// A class by what the whole input says of it; the likeliest where none is named.
    init(_ index: Int?, of scores: ClassScores, _ model: Model) {
        let best = index ?? scores.top(1)[0].index
        self.init(
            index: best,
            label: model.labels?[best],
            score: scores.probabilities[best],
            logit: scores.logits[best]
        )
    }
}
