package import Support

/// How a detector's outputs are boxes, as the `boxes` of its manifest says it: the name of a format, or an object with that
/// and what differs from the usual.
package struct BoxDescription: Sendable, Equatable {
    /// The published forms of outputs.
    package enum Format: String, Sendable, CaseIterable {
        /// Centre, width and height in pixels of the network's input and a probability for each class: (4 + classes) × anchors.
        case yolov8
        /// Centre and size in strides of a grid, how sure there is an object, and a score for each class: anchors × (5 + classes).
        case yolox
        /// Offsets from prior boxes, anchors × 4, and logits, anchors × (background + classes).
        case ssd
        /// Corners, anchors × 4, and scores, anchors × classes or one for each with a tensor of class numbers.
        case corners = "xyxy+scores"
    }

    /// What makes scores of a network's numbers.
    package enum Activation: String, Sendable, CaseIterable {
        case none, sigmoid, softmax
    }

    /// In what corners are told.
    package enum Unit: String, Sendable, CaseIterable {
        /// Pixels of the network's input.
        case pixels
        /// Parts of its width and height.
        case unit
    }

    package let format: Format
    /// The names of outputs; nil for what their shapes say.
    package let output: String?
    package let boxes: String?
    package let scores: String?
    package let labels: String?
    /// Of `yolox`: pixels from one cell of a grid to the next, grid after grid.
    package let strides: [Int]
    /// Of `yolox`: whether the network has added the places of the grid itself.
    package let isDecoded: Bool
    /// Of `ssd`: the boxes that offsets are from.
    package let priors: PriorBoxes?
    /// Of `ssd`: what offsets of centres and of sizes are multiplied by.
    package let variances: (center: Double, size: Double)
    /// The class that is no object; nil where there is none.
    package let background: Int?
    package let activation: Activation
    package let unit: Unit

    package static func == (one: BoxDescription, other: BoxDescription) -> Bool {
        (one.format, one.output, one.boxes, one.scores, one.labels, one.strides)
            == (other.format, other.output, other.boxes, other.scores, other.labels, other.strides)
            && (one.isDecoded, one.priors, one.background, one.activation, one.unit)
                == (other.isDecoded, other.priors, other.background, other.activation, other.unit)
            && one.variances == other.variances
    }

    private static let keys: [Format: [String]] = [
        .yolov8: ["format", "output"],
        .yolox: ["format", "output", "strides", "decoded"],
        .ssd: ["format", "boxes", "scores", "priors", "variances", "background", "activation"],
        .corners: ["format", "boxes", "scores", "labels", "background", "activation", "unit"],
    ]

    /// Reads the `boxes` of a manifest.
    package init(_ reader: JSONReader) throws(FormatError) {
        guard case .object = reader.value else {
            let format: Format = try reader.choice()
            guard format != .ssd else {
                throw reader.fault("'ssd' needs its prior boxes: {\"format\": \"ssd\", \"priors\": …}")
            }
            try self.init(format, JSONFields(path: reader.path, object: [:]))
            return
        }
        let all = Set(Self.keys.values.joined()).sorted()
        let format: Format = try reader.object(all).required("format").choice()
        try self.init(format, reader.object(Self.keys[format] ?? []))
    }

    private init(_ format: Format, _ fields: JSONFields) throws(FormatError) {
        self.format = format
        output = try fields.optional("output")?.string()
        boxes = try fields.optional("boxes")?.string()
        scores = try fields.optional("scores")?.string()
        labels = try fields.optional("labels")?.string()
        strides = try fields.optional("strides").map(Self.strides) ?? [8, 16, 32]
        isDecoded = try fields.optional("decoded")?.bool() ?? false
        priors = format == .ssd ? try PriorBoxes(fields.required("priors")) : nil
        variances = try fields.optional("variances").map(Self.variances) ?? (0.1, 0.2)
        let usual: Int? = format == .ssd ? 0 : nil
        if let reader = fields.optional("background") {
            background = reader.value == .null ? nil : try reader.integer(in: 0...1 << 20)
        } else {
            background = usual
        }
        activation = try fields.optional("activation")?.choice() ?? (format == .ssd ? .softmax : .none)
        unit = try fields.optional("unit")?.choice() ?? .pixels
    }

    private static func strides(_ reader: JSONReader) throws(FormatError) -> [Int] {
        var strides: [Int] = []
        for element in try reader.array() { strides.append(try element.integer(in: 1...4096)) }
        guard 1...16 ~= strides.count else {
            throw reader.fault("expected 1 to 16 strides, found \(strides.count)")
        }
        return strides
    }

    private static func variances(_ reader: JSONReader) throws(FormatError) -> (Double, Double) {
        let numbers = try ManifestPreprocessing.requirePositive(reader, reader.numbers())
        guard numbers.count == 2 else {
            throw reader.fault("expected two numbers, of centres and of sizes, found \(numbers.count)")
        }
        return (numbers[0], numbers[1])
    }
}
