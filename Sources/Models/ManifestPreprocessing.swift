internal import Imaging
internal import Support

/// Reads the `preprocessing` of a manifest.
///
/// Left out, `resize` and `crop` keep the size, `pad` is 0, `interpolation` bilinear, `color` rgb, `scale` 1/255,
/// `mean` 0, `std` 1 and `mirror` true.
enum ManifestPreprocessing {
    private static let keys = [
        "resize", "pad", "crop", "interpolation", "color", "scale", "mean", "std", "mirror",
    ]
    private static let letterboxKeys = ["letterbox", "fill", "place"]
    private static let sides = 1...16_384

    static func read(_ reader: JSONReader) throws(FormatError) -> Preprocessing {
        let fields = try reader.object(keys)
        let color = try fields.optional("color")?.choice(ColorMode.self) ?? .rgb
        let resize = try fields.optional("resize").map(resize) ?? .none
        if case .letterbox = resize, let other = fields.optional("crop") ?? fields.optional("pad"),
            other.value != .null, other.value != .integer(0)
        {
            throw other.fault("a letterbox has the whole image in its own size")
        }
        return Preprocessing(
            resize: resize,
            pad: try fields.optional("pad")?.integer(in: 0...4096) ?? 0,
            crop: try fields.optional("crop").flatMap(crop),
            interpolation: try fields.optional("interpolation")?.choice() ?? .bilinear,
            color: color,
            scale: try fields.optional("scale").map(scale) ?? 1 / 255,
            mean: try fields.optional("mean").map { reader throws(FormatError) in
                try channels(reader, color)
            } ?? Array(repeating: 0, count: color.channels),
            std: try fields.optional("std").map { reader throws(FormatError) in
                try requirePositive(reader, try channels(reader, color))
            } ?? Array(repeating: 1, count: color.channels),
            mirror: try fields.optional("mirror")?.bool() ?? true
        )
    }

    private static func resize(_ reader: JSONReader) throws(FormatError) -> Preprocessing.Resize {
        switch reader.value {
        case .null: return .none
        case .number: return .shorterSide(try reader.integer(in: sides))
        case .array:
            let (height, width) = try pair(reader)
            return .exact(height: height, width: width)
        case .object: return .letterbox(try letterbox(reader.object(letterboxKeys)))
        default:
            let expected = "an integer, [height, width], {\"letterbox\": [height, width]} or null"
            throw reader.fault("expected \(expected), found \(reader.value.kind)")
        }
    }

    private static func letterbox(_ fields: JSONFields) throws(FormatError) -> Letterbox {
        let (height, width) = try pair(fields.required("letterbox"))
        return Letterbox(
            ImageSize(height: height, width: width),
            fill: UInt8(try fields.optional("fill")?.integer(in: 0...255) ?? 114),
            place: try fields.optional("place")?.choice() ?? .center
        )
    }

    private static func crop(_ reader: JSONReader) throws(FormatError) -> ImageSize? {
        switch reader.value {
        case .null: return nil
        case .number:
            let side = try reader.integer(in: sides)
            return ImageSize(height: side, width: side)
        case .array:
            let (height, width) = try pair(reader)
            return ImageSize(height: height, width: width)
        default:
            throw reader.fault("expected an integer, [height, width] or null, found \(reader.value.kind)")
        }
    }

    private static func pair(_ reader: JSONReader) throws(FormatError) -> (Int, Int) {
        let elements = try reader.array()
        guard elements.count == 2 else {
            throw reader.fault("expected [height, width], found an array of \(elements.count)")
        }
        return (try elements[0].integer(in: sides), try elements[1].integer(in: sides))
    }

    private static func scale(_ reader: JSONReader) throws(FormatError) -> Double {
        let scale = try reader.number()
        guard scale != 0 else { throw reader.fault("expected a number other than 0") }
        return scale
    }

    /// A number for each channel of a color.
    static func channels(_ reader: JSONReader, _ color: ColorMode) throws(FormatError) -> [Double] {
        let numbers = try reader.numbers()
        guard numbers.count == color.channels else {
            let plural = color.channels == 1 ? "number" : "numbers"
            throw reader.fault(
                "expected \(color.channels) \(plural) for \(color.rawValue), found \(numbers.count)"
            )
        }
        return numbers
    }

    /// Requires that every number of a standard deviation is greater than zero.
    static func requirePositive(_ reader: JSONReader, _ numbers: [Double]) throws(FormatError) -> [Double] {
        for (index, number) in numbers.enumerated() where number <= 0 {
            let place = JSONReader(.number(number), path: "\(reader.path)[\(index)]")
            throw place.fault("expected a number greater than 0, found \(JSONValue.number(number).text)")
        }
        return numbers
    }
}

extension ManifestPreprocessing {
    /// The manifest's form of a preprocessing, with nothing left out.
    static func json(_ preprocessing: Preprocessing) -> JSONValue {
        let resize: JSONValue =
            switch preprocessing.resize {
            case .none: .null
            case .shorterSide(let side): .integer(side)
            case .exact(let height, let width): .array([.integer(height), .integer(width)])
            case .letterbox(let box):
                .object([
                    "letterbox": .array([.integer(box.size.height), .integer(box.size.width)]),
                    "fill": .integer(Int(box.fill)), "place": .string(box.place.rawValue),
                ])
            }
        return .object([
            "resize": resize,
            "pad": .integer(preprocessing.pad),
            "crop": preprocessing.crop.map { .array([.integer($0.height), .integer($0.width)]) } ?? .null,
            "interpolation": .string(preprocessing.interpolation.rawValue),
            "color": .string(preprocessing.color.rawValue),
            "scale": .number(preprocessing.scale),
            "mean": .array(preprocessing.mean.map(JSONValue.number)),
            "std": .array(preprocessing.std.map(JSONValue.number)),
            "mirror": .bool(preprocessing.mirror),
        ])
    }
}
