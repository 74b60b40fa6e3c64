package import Engine
package import Inference
internal import Platform
package import Support
package import Zoo

/// What `model.json`, or timm's `config.json`, says about a model: its network, what it takes and what it answers.
///
/// Of a `model.json` nothing is guessed: an unknown key, a wrong type and a number out of range are errors that name
/// their place.
/// To add a key: a field here, its name in the list of the reader that owns it, a row in the tests' tables.
package struct Manifest: Sendable {
    /// Where the names of the classes are.
    package enum Labels: Sendable, Equatable {
        case file(String)
        case inline([String])
        /// Those of ImageNet-1k.
        case imageNet1k

        /// What a manifest writes for `imageNet1k`.
        static let imageNet1kName = "imagenet1k"
    }

    package let architecture: String
    package let task: Task
    /// How many classes; nil leaves it to the last layer of the weights.
    package let classes: Int?
    package let labels: Labels?
    /// The name of the weights file in the model's folder; nil for what is there.
    package let weights: String?
    /// Which of several networks in a PyTorch file is meant; nil for the only one.
    package let checkpoint: String?
    /// What stands before every name in that file, and is no part of it; empty for nothing.
    package let prefix: String
    package let options: [String: OptionValue]
    package let input: InputDescription
    /// How a sequence becomes one vector; nil where the answer is one for each step.
    package let pooling: SequencePool.Kind?
    /// What makes probabilities of the logits of classes.
    package let scoring: Scoring
    /// What makes values of a regression's outputs; nil leaves them as they are.
    package let output: OutputScaling?
    /// What a model of sequences to sequences, or of captions, writes; nil for any other.
    package let target: TargetDescription?
    /// How the outputs of a network that detects objects in whole images are boxes; nil for any other.
    package let boxes: BoxDescription?
    /// Beyond which intersection over union the worse of two boxes is dropped; nil for what detects no objects.
    package let overlap: Double?
    /// Which regions of an image are looked at; nil for a model that looks at images whole.
    package let regions: RegionDescription?
    /// How the output of a segmentation is classes; nil for any other.
    package let map: MapDescription?
    /// How the output of an embedding is a vector; nil for any other.
    package let vector: VectorDescription?
    /// What the model's weights may take in memory.
    package let memory: WeightMemory
    /// The extents of dimensions that a `model.onnx` leaves open, by their names.
    package let shape: [String: Int]
    /// Extents of those that `shape` leaves open, of the networks that are made when the model is loaded.
    package let warmShapes: [[String: Int]]
    /// What the operator grants the model beside others.
    package let serving: ServingPolicy
    /// Which versions of the model are loaded; nil leaves it to the daemon.
    package let versions: VersionPolicy?
    /// Names by which clients may ask for this version, such as `stable`.
    package let versionLabels: [String]
    /// What the manifest tells people about where the model comes from, as it stands there.
    package let provenance: JSONValue?
    /// The preprocessing or the input as it stands in the file, for the listing.
    let inputSource: JSONValue
}

extension Manifest {
    private static let keys = [
        "architecture", "task", "classes", "labels", "weights", "checkpoint", "prefix", "options",
        "preprocessing", "input", "output", "pooling", "activation", "temperature", "threshold", "memory",
        "shape", "warm_shapes", "boxes", "regions", "nms", "palette", "normalize", "serving", "versions",
        "version_labels", "provenance",
    ]
    private static let servingKeys = ["priority", "max_batch", "max_delay_ms", "max_queue", "max_shapes"]
    /// The most shapes that are made ready at load.
    private static let mostWarmShapes = 64

    /// Reads the text of a `model.json`.
    ///
    /// - Throws: `FormatError` with the first thing that is wrong and where.
    package init(parsing bytes: [UInt8]) throws(FormatError) {
        try self.init(Self.document(parsing: bytes))
    }

    /// The value of a JSON text.
    static func document(parsing bytes: [UInt8]) throws(FormatError) -> JSONValue {
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw FormatError("", error.description)
        }
    }

    /// The architecture of a model whose network is read from a `model.onnx`.
    package static let onnx = "onnx"

    /// The architecture of models that look at regions of images.
    package static let rcnn = "rcnn"

    /// Whether the network is read from a `model.onnx`.
    package var isImported: Bool { architecture == Self.onnx }

    /// Reads a manifest.
    ///
    /// - Parameters:
    ///   - document: the manifest.
    ///   - isImported: whether a `model.onnx` lies beside it, so that an architecture need not be named.
    /// - Throws: `FormatError` with the first thing that is wrong and where.
    package init(_ document: JSONValue, isImported: Bool = false) throws(FormatError) {
        let fields = try JSONReader(document).object(Self.keys)
        let named = isImported ? fields.optional("architecture") : try fields.required("architecture")
        architecture = try named?.string() ?? Self.onnx
        task = try fields.required("task").choice()
        classes = try fields.optional("classes")?.integer(in: 1...10_000_000)
        labels = try fields.optional("labels").map(Self.labels)
        weights = try fields.optional("weights").map(Self.fileName)
        checkpoint = try fields.optional("checkpoint")?.string()
        shape = try fields.optional("shape").map(Self.shape) ?? [:]
        if let reader = fields.optional("shape"), named != nil {
            throw reader.fault("only the network of a 'model.onnx' has open dimensions")
        }
        warmShapes = try fields.optional("warm_shapes").map(Self.shapes) ?? []
        if let reader = fields.optional("warm_shapes"), named != nil || task != .tensors {
            throw reader.fault("only requests for the 'tensors' of a 'model.onnx' choose shapes")
        }
        prefix = try fields.optional("prefix")?.string() ?? ""
        options = try fields.optional("options").map(Self.options) ?? [:]
        input = try Self.input(task, fields)
        inputSource = fields.object[task.takesImages ? "preprocessing" : "input"] ?? .null
        pooling = try Self.pooling(task, fields)
        scoring = try Scoring(task, fields)
        output = try Self.output(task, fields)
        target = try Self.target(task, fields)
        try Self.checkOwnKeys(task, fields)
        regions = try Self.regions(architecture, task, fields)
        boxes = regions == nil ? try Self.boxes(task, fields) : nil
        overlap = try Self.overlap(task, isRegional: regions != nil, fields)
        map = task == .semanticSegmentation ? try MapDescription(fields) : nil
        vector = task == .embedding ? try VectorDescription(fields) : nil
        memory = try fields.optional("memory")?.choice() ?? .fast
        serving = try fields.optional("serving").map(Self.serving) ?? ServingPolicy()
        versions = try fields.optional("versions").map(VersionPolicy.init)
        versionLabels = try fields.optional("version_labels").map(Self.versionLabels) ?? []
        provenance = fields.object["provenance"]
        guard case .inline(let names)? = labels, let classes, names.count != classes else { return }
        throw FormatError("labels", "expected \(classes) labels for \(classes) classes, found \(names.count)")
    }

    private static func shape(_ reader: JSONReader) throws(FormatError) -> [String: Int] {
        guard case .object(let object) = reader.value else {
            throw reader.fault("expected an object of numbers, found \(reader.value.kind)")
        }
        var shape: [String: Int] = [:]
        for member in object.members {
            let extent = JSONReader(member.value, path: "\(reader.path).\(member.key)")
            shape[member.key] = try extent.integer(in: 1...1 << 24)
        }
        return shape
    }

    private static func shapes(_ reader: JSONReader) throws(FormatError) -> [[String: Int]] {
        let elements = try reader.array()
        guard 1...mostWarmShapes ~= elements.count else {
            throw reader.fault("expected 1 to \(mostWarmShapes) objects, found \(elements.count)")
        }
        var shapes: [[String: Int]] = []
        for element in elements { shapes.append(try shape(element)) }
        return shapes
    }

    private static func serving(_ reader: JSONReader) throws(FormatError) -> ServingPolicy {
        let fields = try reader.object(servingKeys)
        var policy = ServingPolicy()
        policy.priority = try fields.optional("priority")?.integer(in: 1...100) ?? policy.priority
        policy.maxBatchSize = try fields.optional("max_batch")?.integer(in: 1...4096)
        let delay = try fields.optional("max_delay_ms")?.integer(in: 0...60_000)
        policy.maxBatchDelay = delay.map { .milliseconds($0) }
        policy.maxQueueItems = try fields.optional("max_queue")?.integer(in: 1...1_000_000)
        policy.mostShapes = try fields.optional("max_shapes")?.integer(in: 1...4096)
        return policy
    }

    private static func labels(_ reader: JSONReader) throws(FormatError) -> Labels {
        if case .string(let name) = reader.value {
            return name == Labels.imageNet1kName ? .imageNet1k : .file(try fileName(reader))
        }
        guard case .array = reader.value else {
            throw reader.fault("expected a file name or an array of strings, found \(reader.value.kind)")
        }
        var names: [String] = []
        for element in try reader.array() { names.append(try element.string()) }
        guard !names.isEmpty else { throw reader.fault("expected at least one label, found none") }
        return .inline(names)
    }

    private static func versionLabels(_ reader: JSONReader) throws(FormatError) -> [String] {
        var labels: [String] = []
        for element in try reader.array() {
            let label = try element.string()
            let isPlain = label.utf8.allSatisfy { $0.isLetter || $0.isDigit || "._-".utf8.contains($0) }
            guard 1...64 ~= label.utf8.count, isPlain, label != ModelEntry.latest else {
                let expected = "1 to 64 letters, digits, '.', '_' and '-', other than '\(ModelEntry.latest)'"
                throw element.fault("expected \(expected), found '\(label)'")
            }
            labels.append(label)
        }
        return labels
    }

    /// A name of a file that lies in the model's own folder.
    static func fileName(_ reader: JSONReader) throws(FormatError) -> String {
        let name = try reader.string()
        let isPlain = !name.isEmpty && name.utf8.count <= 255 && name != "." && name != ".."
        guard isPlain, !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
            throw reader.fault("expected the plain name of a file in the model's folder, found '\(name)'")
        }
        return name
    }

    private static func pooling(_ task: Task, _ fields: JSONFields) throws(FormatError) -> SequencePool.Kind?
    {
        guard let reader = fields.optional("pooling") else { return task.answersEachStep ? nil : .last }
        guard !task.takesImages, task != .tensors else {
            throw reader.fault("only models of sequences pool over steps, but 'task' is '\(task.rawValue)'")
        }
        guard !task.answersEachStep else {
            throw reader.fault("nothing is pooled where each step has an answer, as in '\(task.rawValue)'")
        }
        return try reader.choice()
    }

    private static func output(_ task: Task, _ fields: JSONFields) throws(FormatError) -> OutputScaling? {
        let isOther = task.hasTarget || [.semanticSegmentation, .embedding].contains(task)
        guard !isOther, let reader = fields.optional("output") else { return nil }
        guard task == .sequenceRegression else {
            throw reader.fault(
                "only a 'sequence-regression' has values to scale, but 'task' is '\(task.rawValue)'"
            )
        }
        return try OutputScaling(reader)
    }

    private static func target(_ task: Task, _ fields: JSONFields) throws(FormatError) -> TargetDescription? {
        guard task.hasTarget else { return nil }
        guard let reader = fields.optional("output") else {
            throw FormatError("", "'output' is missing; a model for '\(task.rawValue)' needs it")
        }
        return try TargetDescription(reader)
    }
}

extension Manifest {
    private static func options(_ reader: JSONReader) throws(FormatError) -> [String: OptionValue] {
        guard case .object = reader.value, case .object(let options) = try option(reader) else {
            throw reader.fault("expected an object, found \(reader.value.kind)")
        }
        return options
    }

    private static func option(_ reader: JSONReader) throws(FormatError) -> OptionValue {
        switch reader.value {
        case .null: throw reader.fault("expected a value, found null")
        case .bool(let bool): return .bool(bool)
        case .number: return .number(try reader.number())
        case .string(let string): return .string(string)
        case .array:
            var elements: [OptionValue] = []
            for element in try reader.array() { elements.append(try option(element)) }
            return .array(elements)
        case .object(let object):
            var members: [String: OptionValue] = [:]
            let fields = JSONFields(path: reader.path, object: object)
            for member in object.members {
                members[member.key] = try option(JSONReader(member.value, path: fields.place(member.key)))
            }
            return .object(members)
        }
    }
}

extension Manifest {
    /// The files beside the weights that the model is read from: labels and vocabularies.
    package var textFiles: [String] {
        var names: [String] = []
        if case .file(let name)? = labels { names.append(name) }
        if case .text(let text) = input { names += text.vocabularies }
        if case .text(_, let name, _, _)? = target?.kind { names.append(name) }
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
