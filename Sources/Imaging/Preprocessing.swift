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

    /// Makes the crops that a network evaluates.
    ///
    /// - Parameters:
    ///   - image: upright, in gray for `ColorMode.gray`, else in RGB.
    ///   - mode: which crops to cut; mirrored ones are left out when `mirror` is false.
    ///   - limits: `maxPixels` bounds the resized part of the image and the crops together.
    /// - Returns: the crops, normalised, and where they come from.
    /// - Throws: `PreprocessingError` for settings that `validate` refuses, an image of other channels, or a
    ///   result beyond the limits.
    package func prepare(
        _ image: Image,
        crops mode: CropMode,
        limits: ImageLimits = ImageLimits()
    ) throws(PreprocessingError) -> PreparedCrops {
        try validate()
        guard image.channels == color.channels else {
            throw .channels(expected: color, found: image.channels)
        }
        let resized = resizedSize(of: ImageSize(height: image.height, width: image.width))
        let padded = ImageSize(height: resized.height + 2 * pad, width: resized.width + 2 * pad)
        let size = crop ?? padded
        let canvas = Canvas(resized, pad: pad, crop: size)
        let crops = mode.crops(size, of: canvas.size, mirror: mirror)
        let needed = crops.map(\.region).reduce(crops[0].region) { $0.union($1) }.intersection(canvas.image)
        let wanted = PreprocessingError.tooLarge(
            image: ImageSize(height: image.height, width: image.width),
            resized: resized,
            crop: size,
            count: crops.count,
            maxPixels: limits.maxPixels
        )
        guard needed.width <= limits.maxPixels / max(needed.height, 1),
            size.width <= limits.maxPixels / size.height / crops.count
        else { throw wanted }
        return cut(crops, size, from: image, resized: resized, place: needed, canvas: canvas)
    }

    /// The size that an image has after resizing and before padding.
    package func resizedSize(of size: ImageSize) -> ImageSize {
        switch resize {
        case .none: size
        case .exact(let height, let width): ImageSize(height: height, width: width)
        case .shorterSide(let side) where size.width <= size.height:
            ImageSize(height: side * size.height / size.width, width: side)
        case .shorterSide(let side):
            ImageSize(height: side, width: side * size.width / size.height)
        }
    }

    /// Computes the needed part of the resized image, which lies at `place` on the canvas, and cuts it up.
    private func cut(
        _ crops: [Crop],
        _ size: ImageSize,
        from image: Image,
        resized: ImageSize,
        place: Region,
        canvas: Canvas
    ) -> PreparedCrops {
        let piece = image.resized(
            width: resized.width,
            height: resized.height,
            interpolation: interpolation,
            region: Region(
                x: place.x - canvas.image.x,
                y: place.y - canvas.image.y,
                width: place.width,
                height: place.height
            )
        )
        let normalizer = Normalizer(self)
        var values: [Float] = []
        values.reserveCapacity(crops.count * color.channels * size.height * size.width)
        for crop in crops { normalizer.append(crop, of: piece, at: place, to: &values) }
        return PreparedCrops(
            crops: crops,
            channels: color.channels,
            height: size.height,
            width: size.width,
            values: values
        )
    }
}

extension Preprocessing {
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

    private func check(_ setting: String, _ value: Int, from low: Int) throws(PreprocessingError) {
        guard value >= low, value <= Self.maxSide else {
            throw .outOfRange(setting: setting, range: low...Self.maxSide, found: value)
        }
    }
}
