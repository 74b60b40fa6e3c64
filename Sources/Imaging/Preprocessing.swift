/// What is done to an image before a network sees it: resize, pad, crop, normalise.
///
/// The 8-bit stages give exactly the pixels of Pillow and torchvision; normalisation is computed in Double.
package struct Preprocessing: Sendable, Equatable {
    /// How the size changes.
    package enum Resize: Sendable, Equatable {
        /// The image keeps its size.
        case none
        /// The shorter side gets this size; the longer keeps the proportion, cut to whole pixels.
        case shorterSide(Int)
        /// The image gets this size, whatever its proportion.
        case exact(height: Int, width: Int)
        /// The whole image keeps its proportion, as large as fits, and bars fill what is left.
        case letterbox(Letterbox)
    }

    package var resize: Resize
    /// Zero pixels added on every side before cropping.
    package var pad: Int
    /// The size of a crop; nil takes the whole resized and padded image.
    package var crop: ImageSize?
    package var interpolation: Interpolation
    /// The order of the channels, and of `mean` and `std`.
    package var color: ColorMode
    /// A value is (pixel · scale − mean) / std.
    package var scale: Double
    package var mean: [Double]
    package var std: [Double]
    /// False says that mirroring changes the label: no crop is mirrored.
    package var mirror: Bool

    /// Without arguments, the whole image in its own size, as values from 0 to 1.
    package init(
        resize: Resize = .none,
        pad: Int = 0,
        crop: ImageSize? = nil,
        interpolation: Interpolation = .bilinear,
        color: ColorMode = .rgb,
        scale: Double = 1 / 255,
        mean: [Double]? = nil,
        std: [Double]? = nil,
        mirror: Bool = true
    ) {
        self.resize = resize
        self.pad = pad
        self.crop = crop
        self.interpolation = interpolation
        self.color = color
        self.scale = scale
        self.mean = mean ?? Array(repeating: 0, count: color.channels)
        self.std = std ?? Array(repeating: 1, count: color.channels)
        self.mirror = mirror
    }
}

/// A size into which whole images are fitted, with bars of one shade where they are narrower.
package struct Letterbox: Sendable, Equatable {
    /// Where the image lies.
    package enum Place: String, Sendable, CaseIterable {
        /// Between the bars; its sides are rounded to whole pixels, as Ultralytics does.
        case center
        /// Left of the bar, or above it; its sides are cut to whole pixels, as YOLOX does.
        case topLeft = "top-left"
    }

    package var size: ImageSize
    /// The pixels of the bars, in every channel.
    package var fill: UInt8
    package var place: Place

    package init(_ size: ImageSize, fill: UInt8 = 114, place: Place = .center) {
        self.size = size
        self.fill = fill
        self.place = place
    }

    /// The size that an image of this size gets.
    func fitted(_ image: ImageSize) -> ImageSize {
        let factor = min(
            Double(size.height) / Double(image.height),
            Double(size.width) / Double(image.width)
        )
        let rule: FloatingPointRoundingRule = place == .center ? .toNearestOrEven : .down
        func side(_ length: Int, _ most: Int) -> Int {
            // The side that decides is exactly as long as there is room, whatever the factor's last bit.
            let scaled = Double(length) * factor
            let isWhole = abs(scaled - scaled.rounded()) < 1e-6
            return min(most, max(1, Int(isWhole ? scaled.rounded() : scaled.rounded(rule))))
        }
        return ImageSize(height: side(image.height, size.height), width: side(image.width, size.width))
    }
}

extension Preprocessing.Resize {
    /// The size that an image gets.
    package func size(of size: ImageSize) -> ImageSize {
        switch self {
        case .none: size
        case .exact(let height, let width): ImageSize(height: height, width: width)
        case .shorterSide(let side) where size.width <= size.height:
            ImageSize(height: side * size.height / size.width, width: side)
        case .shorterSide(let side):
            ImageSize(height: side, width: side * size.width / size.height)
        case .letterbox(let box): box.fitted(size)
        }
    }
}

extension Preprocessing {
    /// The pixels around an image that is smaller than what is cut from it: zeros, or those of a letterbox's bars.
    var fill: UInt8 { if case .letterbox(let box) = resize { box.fill } else { 0 } }

    /// The most that `resize`, `crop` and `pad` may ask for on a side.
    package static let maxSide = 65_535

    /// Checks the settings by themselves, before any image.
    ///
    /// - Throws: `PreprocessingError` naming the first setting that cannot be meant.
    package func validate() throws(PreprocessingError) {
        switch resize {
        case .none: break
        case .shorterSide(let side): try check("resize", side, from: 1)
        case .exact(let height, let width):
            try check("resize", height, from: 1)
            try check("resize", width, from: 1)
        case .letterbox(let box):
            try check("resize", box.size.height, from: 1)
            try check("resize", box.size.width, from: 1)
        }
        try check("pad", pad, from: 0)
        if let crop {
            try check("crop", crop.height, from: 1)
            try check("crop", crop.width, from: 1)
        }
        guard scale.isFinite else { throw .notANumber(setting: "scale", found: scale) }
        for (setting, values) in [("mean", mean), ("std", std)] {
            guard values.count == color.channels else {
                throw .count(setting: setting, color: color, found: values.count)
            }
            for value in values where !value.isFinite { throw .notANumber(setting: setting, found: value) }
        }
        for value in std where value <= 0 { throw .notPositive(setting: "std", found: value) }
    }

    /// Checks shorter sides that a caller asks for.
    func validate(scales: [Int]) throws(PreprocessingError) {
        var known: Set<Int> = []
        for scale in scales {
            try check("scales", scale, from: 1)
            guard known.insert(scale).inserted else { throw .duplicate(setting: "scales", found: scale) }
        }
    }

    private func check(_ setting: String, _ value: Int, from low: Int) throws(PreprocessingError) {
        guard value >= low, value <= Self.maxSide else {
            throw .outOfRange(setting: setting, range: low...Self.maxSide, found: value)
        }
    }
}
