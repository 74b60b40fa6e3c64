internal import Engine
package import Imaging
package import Support

/// How a segmenter's output is a class for each pixel, as its manifest says it.
package struct MapDescription: Sendable, Equatable {
    /// What makes a probability of the number of a map of one channel.
    package enum Activation: String, Sendable, CaseIterable {
        case sigmoid, none
    }

    /// The name of the output; nil for the only one.
    package let output: String?
    package let activation: Activation
    /// From which probability on a pixel of a map of one channel belongs to the object.
    package let threshold: Double
    /// Nil for PASCAL VOC's.
    package let palette: Palette?

    /// Reads `output`, `activation`, `threshold` and `palette` of a manifest.
    package init(_ fields: JSONFields) throws(FormatError) {
        output = try fields.optional("output")?.string()
        activation = try fields.optional("activation")?.choice() ?? .sigmoid
        threshold = try fields.optional("threshold").map(Manifest.share) ?? 0.5
        palette = try fields.optional("palette").map(Self.palette)
    }

    /// Colours as `[red, green, blue]` or `"#rrggbb"`.
    private static func palette(_ reader: JSONReader) throws(FormatError) -> Palette {
        let elements = try reader.array()
        guard 1...Palette.maxColors ~= elements.count else {
            throw reader.fault("expected 1 to \(Palette.maxColors) colours, found \(elements.count)")
        }
        var colors: [Palette.Color] = []
        for element in elements { colors.append(try color(element)) }
        return Palette(colors)
    }

    private static func color(_ reader: JSONReader) throws(FormatError) -> Palette.Color {
        if case .string(let text) = reader.value {
            let digits = text.dropFirst()
            guard text.hasPrefix("#"), digits.utf8.count == 6, let value = UInt32(digits, radix: 16),
                !digits.hasPrefix("+")
            else { throw reader.fault("expected a colour as '#rrggbb', found '\(text.clipped(to: 40))'") }
            return Palette.Color(
                UInt8(value >> 16),
                UInt8(truncatingIfNeeded: value >> 8),
                UInt8(truncatingIfNeeded: value)
            )
        }
        let channels = try reader.array()
        guard channels.count == 3 else {
            throw reader.fault("expected [red, green, blue], found an array of \(channels.count)")
        }
        var values: [UInt8] = []
        for channel in channels { values.append(UInt8(try channel.integer(in: 0...255))) }
        return Palette.Color(values[0], values[1], values[2])
    }
}

/// A segmenter's output, matched with what its manifest says of it.
package struct MapHead: Sendable, Equatable {
    package let description: MapDescription
    package let name: String
    /// A number for each class; 1 where it is one number, or the class itself.
    package let channels: Int
    package let height: Int
    package let width: Int
    /// Whether its numbers are the classes themselves.
    package let isIndexed: Bool
    /// With the background, where there is one.
    package let classes: Int

    /// The most classes that a map may have.
    package static let maxClasses = 1 << 16

    /// - Parameters:
    ///   - description: what the manifest says.
    ///   - outputs: what the network gives.
    ///   - classes: how many there are by the manifest; nil leaves it to the output.
    /// - Throws: `FormatError` that says what does not fit.
    package init(_ description: MapDescription, _ outputs: [TensorPort], classes: Int?) throws(FormatError) {
        let known = outputs.map { "'\($0.name)' of \($0.shown)" }.joined(separator: ", ")
        let candidates = outputs.filter { description.output == nil || $0.name == description.output }
        guard let port = candidates.first, candidates.count == 1 else {
            let message =
                description.output.map { "there is no output '\($0)'; there are" }
                ?? "name one of the outputs"
            throw FormatError("output", "\(message) \(known)")
        }
        let dimensions = port.dimensions
        self.description = description
        name = port.name
        isIndexed = port.type != .f32 && port.type != .f16 && port.type != .bf16 && port.type != .f64
        guard dimensions.count == 3 || dimensions.count == 2 && isIndexed, !dimensions.contains(0) else {
            throw FormatError(
                "output",
                "expected classes×height×width, or a class for each pixel as whole numbers, found \(known)"
            )
        }
        channels = dimensions.count == 3 ? dimensions[0] : 1
        height = dimensions[dimensions.count - 2]
        width = dimensions[dimensions.count - 1]
        guard channels == 1 || !isIndexed else {
            throw FormatError(
                "output",
                "'\(name)' has whole numbers in \(channels) channels, found \(port.shown)"
            )
        }
        if isIndexed {
            guard let classes else {
                throw FormatError(
                    "classes",
                    "'\(name)' holds classes; 'labels' or 'classes' must say how many"
                )
            }
            self.classes = classes
        } else {
            self.classes = channels == 1 ? 2 : channels
        }
        guard self.classes <= Self.maxClasses else {
            throw FormatError("output", "at most \(Self.maxClasses) classes, found \(self.classes)")
        }
    }

    /// The colours of the classes.
    package var palette: Palette {
        let usual = Palette.pascalVOC(classes)
        return description.palette?.extended(to: usual.colors.count) ?? usual
    }
}
