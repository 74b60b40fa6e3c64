internal import Imaging
internal import Support

/// Turns timm's `pretrained_cfg` into the preprocessing that timm evaluates with.
///
/// The image is resized to ⌊size / crop_pct⌋ and cut to size, as `timm.data.transforms_imagenet_eval` does with the
/// defaults of `timm.data.resolve_data_config`: `test_input_size` and `test_crop_pct` do not count there.
enum TimmPreprocessing {
    private enum CropMode: String, CaseIterable {
        case center, squash, border
    }

    private static let sides = 1...16_384
    /// ImageNet's, in RGB.
    private static let mean = [0.485, 0.456, 0.406]
    private static let std = [0.229, 0.224, 0.225]

    static func read(_ fields: JSONFields) throws(FormatError) -> Preprocessing {
        let size = try fields.given("input_size").map(imageSize) ?? ImageSize(height: 224, width: 224)
        return Preprocessing(
            resize: try resize(to: size, fields),
            crop: size,
            interpolation: try fields.given("interpolation").map(interpolation) ?? .bicubic,
            mean: try fields.given("mean").map { reader throws(FormatError) in
                try ManifestPreprocessing.channels(reader, .rgb)
            } ?? mean,
            std: try fields.given("std").map { reader throws(FormatError) in
                try ManifestPreprocessing.requirePositive(
                    reader,
                    ManifestPreprocessing.channels(reader, .rgb)
                )
            } ?? std
        )
    }

    /// Requires the three channels of a colour image.
    static func checkChannels(_ reader: JSONReader) throws(FormatError) {
        guard try reader.integer(in: 1...1_000_000) == 3 else {
            throw reader.fault("expected 3 channels, found \(reader.value.text)")
        }
    }

    private static func imageSize(_ reader: JSONReader) throws(FormatError) -> ImageSize {
        let elements = try reader.array()
        guard elements.count == 3 else {
            throw reader.fault("expected [channels, height, width], found an array of \(elements.count)")
        }
        try checkChannels(elements[0])
        return ImageSize(
            height: try elements[1].integer(in: sides),
            width: try elements[2].integer(in: sides)
        )
    }

    private static func resize(
        to size: ImageSize,
        _ fields: JSONFields
    ) throws(FormatError) -> Preprocessing.Resize {
        let height = try scaled(size.height, fields.given("crop_pct"))
        let width = try scaled(size.width, fields.given("crop_pct"))
        let mode = fields.given("crop_mode")
        switch try mode?.choice(CropMode.self) ?? .center {
        case .squash: return .exact(height: height, width: width)
        case .center where height == width: return .shorterSide(height)
        case .center:
            let found = "found \(size.height)×\(size.width)"
            let expected = "expected a square for crop_mode 'center'"
            throw FormatError(fields.place("input_size"), "\(expected), \(found)")
        case .border:
            throw FormatError(
                fields.place("crop_mode"),
                "expected center or squash; 'border' fills up with the mean colour, which is not supported"
            )
        }
    }

    /// The side that an image is resized to so that a cut of `side` keeps the given part of it.
    private static func scaled(_ side: Int, _ part: JSONReader?) throws(FormatError) -> Int {
        guard let part else { return Int(Double(side) / 0.875) }
        let number = try part.number()
        guard number > 0 else {
            throw part.fault("expected a number greater than 0, found \(part.value.text)")
        }
        let scaled = (Double(side) / number).rounded(.down)
        guard scaled >= Double(sides.lowerBound), scaled <= Double(sides.upperBound) else {
            let range = "\(sides.lowerBound) to \(sides.upperBound)"
            throw part.fault("\(side) / \(part.value.text) is the size to resize to, expected \(range)")
        }
        return Int(scaled)
    }

    /// `random` is a choice for training only; timm's transforms without it are bilinear.
    private static func interpolation(_ reader: JSONReader) throws(FormatError) -> Interpolation {
        reader.value == .string("random") ? .bilinear : try reader.choice()
    }
}
