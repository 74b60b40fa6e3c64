internal import Models
internal import Support
internal import Tasks

/// One output of a batch, taken from what the model says of each item.
struct OutputTensor: Sendable, Equatable {
    /// What outputs models have; the raw values are their names.
    enum Kind: String, Sendable {
        /// How likely each class is, and what the network said of it; of each step where each is classified.
        case probabilities, logits
        /// How many steps each item of the answer has; behind them an output holds zeros.
        case steps
        /// The values of a regression.
        case values
        /// The natural logarithm of a text's probability.
        case logLikelihood = "log_likelihood"
        /// A translation as text or tokens, and the natural logarithm of its probability.
        case text, tokens, score
        /// Of objects: corners in pixels, how sure each is, its class, and how many an item has; behind them are zeros.
        case boxes, scores, labels, count
        /// A class for each pixel.
        case map
        /// A vector.
        case embedding
        /// One of several outputs of a network, under its own name.
        case port
    }

    /// The elements, row-major.
    enum Elements: Sendable, Equatable {
        case floats([Float])
        case doubles([Double])
        case integers([Int64])
        case strings([String])
        /// Whole numbers in so many bytes each.
        case whole([Int64], bytes: Int)
        /// Truth values.
        case truths([Bool])
    }

    private(set) var dataType: DataType
    private(set) var shape: [Int]
    private(set) var elements: Elements

    init(_ dataType: DataType, _ shape: [Int], _ elements: Elements) {
        (self.dataType, self.shape, self.elements) = (dataType, shape, elements)
    }

    /// - Parameters:
    ///   - kind: which output.
    ///   - outcomes: what the model says of each item, all of one task.
    /// - Throws: `ServingError` 400 for items whose answers are not one tensor.
    init(_ kind: Kind, of outcomes: [SequencePredictor.Outcome]) throws(ServingError) {
        switch kind {
        case .boxes, .scores, .labels, .count: self.init(kind, ofObjects: outcomes)
        case .map: try self.init(maps: outcomes)
        case .embedding: self.init(vectors: outcomes)
        default: self.init(kind, ofRows: outcomes)
        }
    }

    private init(_ kind: Kind, ofRows outcomes: [SequencePredictor.Outcome]) {
        let rows = outcomes.map { Self.row(kind, of: $0) }
        let steps = rows.map(\.count).max() ?? 0
        switch kind {
        case .boxes, .scores, .labels, .count, .map, .embedding, .port:
            (dataType, shape, elements) = (.fp32, [0], .floats([])) // which have no rows
        case .probabilities, .logits, .values:
            // One row for an item, or one for each of its steps.
            let width = rows.first?.first?.count ?? 0
            let hasSteps = outcomes.first.map(Self.hasSteps) ?? false
            var floats: [Float] = []
            floats.reserveCapacity(rows.count * steps * width)
            for row in rows {
                for step in row { floats += step.lazy.map { Float($0) } }
                floats += repeatElement(0, count: (steps - row.count) * width)
            }
            dataType = .fp32
            shape = hasSteps ? [rows.count, steps, width] : [rows.count, width]
            elements = .floats(floats)
        case .logLikelihood, .score:
            dataType = .fp64
            shape = [rows.count, 1]
            elements = .doubles(rows.map { $0[0][0] })
        case .steps:
            dataType = .int64
            shape = [rows.count, 1]
            elements = .integers(rows.map { Int64($0[0][0]) })
        case .tokens:
            let numbers = outcomes.map(Self.tokens)
            let width = numbers.map(\.count).max() ?? 0
            dataType = .int64
            shape = [rows.count, width]
            elements = .integers(numbers.flatMap { $0 + repeatElement(0, count: width - $0.count) })
        case .text:
            dataType = .bytes
            shape = [rows.count, 1]
            elements = .strings(outcomes.map(Self.text))
        }
    }

    private static func hasSteps(_ outcome: SequencePredictor.Outcome) -> Bool {
        switch outcome {
        case .tags: true
        case .values(let steps): steps.count > 1
        case .classes, .likelihood, .translations, .detections, .map, .vector, .tensors: false
        }
    }

    /// The numbers of an item, step by step.
    private static func row(_ kind: Kind, of outcome: SequencePredictor.Outcome) -> [[Double]] {
        switch (outcome, kind) {
        case (.classes(let scores), .logits): [scores.logits]
        case (.classes(let scores), _): [scores.probabilities]
        case (.tags(let tags), .logits): tags.tags.map(\.scores.logits)
        case (.tags(let tags), .steps): [[Double(tags.tags.count)]]
        case (.tags(let tags), _): tags.tags.map(\.scores.probabilities)
        case (.values(let steps), _): steps.map { $0.map(Double.init) }
        case (.likelihood(let likelihood), .steps): [[Double(likelihood.logLikelihoods.count)]]
        case (.likelihood(let likelihood), _): [[likelihood.total]]
        case (.translations(let list), .steps): [[Double(list[0].tokens.count)]]
        case (.translations(let list), _): [[list[0].score]]
        case (.detections, _), (.map, _), (.vector, _), (.tensors, _): []
        }
    }

    private static func tokens(of outcome: SequencePredictor.Outcome) -> [Int64] {
        guard case .translations(let list) = outcome else { return [] }
        return list[0].tokens.map { if case .number(let number) = $0 { Int64(number) } else { 0 } }
    }

    private static func text(of outcome: SequencePredictor.Outcome) -> String {
        guard case .translations(let list) = outcome else { return "" }
        return list[0].text ?? ""
    }

    /// The best classes in place of the numbers: `value:index:label`, the highest value first, of equals the lower index.
    ///
    /// - Parameters:
    ///   - count: how many at most.
    ///   - labels: the names of the classes; a class without one has its index, as clients look for a name.
    /// - Returns: strings in place of the last dimension.
    /// - Source: Triton's `extension_classification.md`, and `classification.cc` for the form of the value.
    func classes(_ count: Int, labels: [String]?) -> OutputTensor {
        guard case .floats(let floats) = elements, let width = shape.last, width > 0 else { return self }
        let best = min(count, width)
        var strings: [String] = []
        for start in stride(from: 0, to: floats.count, by: width) {
            let order = (start..<start + width).sorted {
                floats[$0] == floats[$1] ? $0 < $1 : floats[$0] > floats[$1]
            }
            for place in order.prefix(best) {
                let index = place - start
                strings.append(
                    "\(Self.sixDecimals(floats[place])):\(index):\(labels?[index] ?? String(index))"
                )
            }
        }
        var output = self
        (output.dataType, output.elements) = (.bytes, .strings(strings))
        output.shape[output.shape.count - 1] = best
        return output
    }

    /// A number as C's `%f` writes it.
    private static func sixDecimals(_ value: Float) -> String {
        let scaled = (Double(value.magnitude) * 1_000_000).rounded(.toNearestOrEven)
        guard scaled < 0x1p62 else { return "\(value)" }
        let (whole, millionths) = Int(scaled).quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(millionths)
        let zeros = String(repeating: "0", count: 6 - digits.count)
        return "\(value.sign == .minus ? "-" : "")\(whole).\(zeros)\(digits)"
    }
}

// MARK: On the wire

extension OutputTensor {
    /// What its elements take in binary.
    var byteCount: Int {
        switch elements {
        case .floats(let floats): floats.count * 4
        case .doubles(let doubles): doubles.count * 8
        case .integers(let integers): integers.count * 8
        case .whole(let numbers, let bytes): numbers.count * bytes
        case .truths(let values): values.count
        case .strings(let strings): strings.reduce(0) { $0 + 4 + $1.utf8.count }
        }
    }

    /// Appends its elements, the lowest byte of a number first.
    func writeBinary(to bytes: inout [UInt8]) {
        switch elements {
        case .floats(let floats): for value in floats { bytes.append(littleEndian: value.bitPattern) }
        case .doubles(let doubles): for value in doubles { bytes.append(littleEndian: value.bitPattern) }
        case .integers(let integers): for value in integers { bytes.append(littleEndian: value) }
        case .whole(let numbers, let size):
            for value in numbers {
                for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
            }
        case .truths(let values): for value in values { bytes.append(value ? 1 : 0) }
        case .strings(let strings):
            for string in strings {
                bytes.append(littleEndian: UInt32(string.utf8.count))
                bytes += string.utf8
            }
        }
    }

    /// Appends its elements as a flat array of JSON.
    func writeJSON(to bytes: inout [UInt8]) {
        func list<Element>(_ elements: [Element], _ write: (Element, inout [UInt8]) -> Void) {
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(element, &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
        switch elements {
        case .floats(let floats): list(floats) { $1 += $0.description.utf8 }
        case .doubles(let doubles): list(doubles) { $1 += $0.description.utf8 }
        case .integers(let integers): list(integers) { $1 += $0.description.utf8 }
        case .whole(let numbers, _): list(numbers) { $1 += $0.description.utf8 }
        case .truths(let values): list(values) { $1 += ($0 ? "true" : "false").utf8 }
        case .strings(let strings): list(strings) { JSONValue.string($0).write(to: &$1) }
        }
    }
}

extension [UInt8] {
    /// Appends a number, the lowest byte first.
    mutating func append(littleEndian number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
