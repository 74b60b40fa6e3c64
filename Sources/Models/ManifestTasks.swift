internal import Support

/// What of a manifest depends on the model's task: its own keys, and what it takes.
extension Manifest {
    /// What a model answers.
    package enum Task: String, Sendable, CaseIterable {
        case imageClassification = "image-classification"
        case sequenceClassification = "sequence-classification"
        case tokenClassification = "token-classification"
        case sequenceRegression = "sequence-regression"
        case textGeneration = "text-generation"
        case sequenceToSequence = "sequence-to-sequence"
        case objectDetection = "object-detection"
        case semanticSegmentation = "semantic-segmentation"
        case imageCaptioning = "image-captioning"
        case embedding
        case tensors

        /// Whether an answer tells of classes that have names.
        package var hasClasses: Bool {
            switch self {
            case .imageClassification, .sequenceClassification, .tokenClassification, .objectDetection,
                .semanticSegmentation:
                true
            case .sequenceRegression, .textGeneration, .sequenceToSequence, .imageCaptioning, .embedding,
                .tensors:
                false
            }
        }
        /// Whether it takes one image, prepared as the manifest says.
        package var takesImages: Bool {
            [
                .imageClassification, .objectDetection, .semanticSegmentation, .imageCaptioning, .embedding,
            ].contains(self)
        }
        /// Whether a decoder writes its answers, token by token, of what another network has read.
        package var hasTarget: Bool { self == .sequenceToSequence || self == .imageCaptioning }
        /// Whether no network of the zoo that takes whole images or sequences has the outputs that it needs.
        package var isImportedOnly: Bool {
            [.objectDetection, .semanticSegmentation, .tensors].contains(self)
        }
        /// Whether the network answers at each step of a sequence.
        package var answersEachStep: Bool {
            [.tokenClassification, .textGeneration, .sequenceToSequence].contains(self)
        }
    }

    /// The keys that tasks have of their own.
    private static let ownKeys: [(key: String, tasks: [Task])] = [
        ("boxes", [.objectDetection]), ("regions", [.objectDetection]), ("nms", [.objectDetection]),
        ("palette", [.semanticSegmentation]), ("normalize", [.embedding]),
    ]

    /// Requires that no task has another one's keys.
    static func checkOwnKeys(_ task: Task, _ fields: JSONFields) throws(FormatError) {
        for (key, tasks) in ownKeys where !tasks.contains(task) {
            guard let reader = fields.optional(key) else { continue }
            let names = tasks.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw reader.fault("only a model for \(names) has one, but 'task' is '\(task.rawValue)'")
        }
    }

    static func boxes(
        _ task: Task,
        _ fields: JSONFields
    ) throws(FormatError) -> BoxDescription? {
        guard task == .objectDetection else { return nil }
        guard let reader = fields.optional("boxes") else {
            let formats = BoxDescription.Format.allCases.map(\.rawValue).joined(separator: ", ")
            throw FormatError(
                "",
                "'boxes' is missing; a model for '\(task.rawValue)' needs one of \(formats)"
            )
        }
        return try BoxDescription(reader)
    }

    static func overlap(_ task: Task, isRegional: Bool, _ fields: JSONFields) throws(FormatError) -> Double? {
        guard task == .objectDetection else { return nil }
        return try fields.optional("nms").map(share) ?? (isRegional ? 0.3 : 0.45)
    }

    /// The regions of a model of the architecture `rcnn`, which detects objects and nothing else; nil of any other.
    static func regions(
        _ architecture: String,
        _ task: Task,
        _ fields: JSONFields
    ) throws(FormatError) -> RegionDescription? {
        guard architecture == rcnn else {
            guard let reader = fields.optional("regions") else { return nil }
            throw reader.fault("only a model of the architecture '\(rcnn)' has regions")
        }
        guard task == .objectDetection else {
            throw FormatError(
                "task",
                "'\(rcnn)' is for '\(Task.objectDetection.rawValue)', found '\(task.rawValue)'"
            )
        }
        if let reader = fields.optional("boxes") {
            throw reader.fault("'\(rcnn)' makes boxes of its regions")
        }
        return try RegionDescription(fields.optional("regions") ?? JSONReader(.object([:]), path: "regions"))
    }

    /// A number from 0 to 1.
    static func share(_ reader: JSONReader) throws(FormatError) -> Double {
        let number = try reader.number()
        guard 0...1 ~= number else {
            throw reader.fault("expected a number from 0 to 1, found \(reader.value.text)")
        }
        return number
    }

    static func input(_ task: Task, _ fields: JSONFields) throws(FormatError) -> InputDescription {
        if task == .tensors {
            if let reader = fields.optional("preprocessing") ?? fields.optional("input") {
                throw reader.fault("a model for '\(task.rawValue)' takes what its network takes")
            }
            return .tensors
        }
        let (needed, other) = task.takesImages ? ("preprocessing", "input") : ("input", "preprocessing")
        let (reader, beside) = (fields.optional(needed), fields.optional(other))
        if let beside, task.takesImages || reader == nil {
            throw beside.fault("a model for '\(task.rawValue)' has '\(needed)' instead")
        }
        guard let reader else {
            let message = "'\(needed)' is missing; a model for '\(task.rawValue)' needs it"
            throw FormatError("", message)
        }
        return task.takesImages
            ? .image(try ManifestPreprocessing.read(reader)) : try InputDescription(reader, beside)
    }
}
