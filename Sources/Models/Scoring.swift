internal import Support

/// What a model's logits mean: how they become probabilities, and which classes an answer lists.
package struct Scoring: Sendable, Equatable {
    /// What makes probabilities of logits.
    package enum Activation: String, Sendable, CaseIterable {
        /// One class is right: the probabilities sum to 1.
        case softmax
        /// Any number of classes are right: each has a probability of its own.
        case sigmoid
    }

    package var activation = Activation.softmax
    /// What the logits are divided by first, so that probabilities are as frequent as they say.
    ///
    /// - Source: Guo et al., "On calibration of modern neural networks", ICML 2017, §4.2.
    package var temperature = 1.0
    /// The lowest probability of a class that is listed; nil lists as many as are asked for.
    package var threshold: Double?

    package init() {}

    /// What a temperature may be.
    package static let temperatures = 0.01...100.0
}

extension Scoring {
    /// Reads `activation`, `temperature` and `threshold` of a manifest.
    ///
    /// - Throws: `FormatError` where a task has no classes, and for a number out of range.
    init(_ task: Manifest.Task, _ fields: JSONFields) throws(FormatError) {
        for key in ["activation", "temperature", "threshold"] {
            guard let reader = fields.optional(key) else { continue }
            // A segmentation has its own way with both.
            if task == .semanticSegmentation, key != "temperature" { continue }
            guard key == "threshold" || task != .objectDetection, task != .semanticSegmentation else {
                throw reader.fault("a model for '\(task.rawValue)' has none")
            }
            guard task.hasClasses else {
                throw reader.fault("only a model of classes has one, but 'task' is '\(task.rawValue)'")
            }
            guard key == "temperature" || !task.answersEachStep else {
                throw reader.fault("each step of a '\(task.rawValue)' has one class, the most probable")
            }
        }
        guard task != .semanticSegmentation else { return }
        activation = try fields.optional("activation")?.choice() ?? activation
        if let reader = fields.optional("temperature") {
            temperature = try reader.number()
            guard Self.temperatures.contains(temperature) else {
                let range = "\(Self.temperatures.lowerBound) to \(Self.temperatures.upperBound)"
                throw reader.fault("expected a number from \(range), found \(reader.value.text)")
            }
        }
        if let reader = fields.optional("threshold") {
            let threshold = try reader.number()
            guard 0...1 ~= threshold else {
                throw reader.fault("expected a probability from 0 to 1, found \(reader.value.text)")
            }
            self.threshold = threshold
        }
    }

    /// What of it differs from the usual, as a manifest has it.
    var json: JSONObject {
        var json = JSONObject()
        if activation != .softmax { json.append("activation", .string(activation.rawValue)) }
        if temperature != 1 { json.append("temperature", .number(temperature)) }
        json.append("threshold", threshold.map(JSONValue.number))
        return json
    }
}
