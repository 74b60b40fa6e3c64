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
    ///   - scales: shorter sides to which the image is resized, each giving all crops of the mode; none leaves it to
    ///     the mode, and where that has none of its own, to `resize`.
    ///   - limits: `maxPixels` bounds the resized parts of the image together, and the crops together.
    ///   - shouldContinue: asked for every few rows that are resized, and for each crop; false ends the work.
    /// - Returns: the crops, normalised, scale by scale; all of one size, but for `dense`.
    /// - Throws: `PreprocessingError` for settings that `validate` refuses, an image of other channels, or a
    ///   result beyond the limits; `.stopped` when told to.
    package func prepare(
        _ image: Image,
        crops mode: CropMode,
        scales: [Int] = [],
        limits: ImageLimits = ImageLimits(),
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) -> [PreparedCrop] {
        try validate()
        for scale in scales { try check("scales", scale, from: 1) }
        guard image.channels == color.channels else {
            throw .channels(expected: color, found: image.channels)
        }
        let size = ImageSize(height: image.height, width: image.width)
        let wanted = scales.isEmpty ? mode.defaultScales(crop: crop) ?? [] : scales
        let resizes = wanted.isEmpty ? [resize] : wanted.map(Resize.shorterSide)
        let layouts = resizes.map { Layout(self, resized: $0.size(of: size), mode) }
        var (resizedPixels, cropPixels) = (0, 0)
        for layout in layouts {
            resizedPixels += layout.needed.width * layout.needed.height
            cropPixels += layout.cutPixels
            guard max(resizedPixels, cropPixels) <= limits.maxPixels else {
                throw .tooLarge(
                    image: size,
                    resized: layout.resized,
                    crop: layout.output(of: layout.crops[0]),
                    count: layouts.reduce(0) { $0 + $1.crops.count },
                    maxPixels: limits.maxPixels
                )
            }
        }
        let normalizer = Normalizer(self)
        var prepared: [PreparedCrop] = []
        for layout in layouts {
            prepared += try cut(layout, from: image, normalizer, while: shouldContinue)
        }
        return prepared
    }

    /// Computes the needed part of the resized image and cuts it up.
    private func cut(
        _ layout: Layout,
        from image: Image,
        _ normalizer: Normalizer,
        while shouldContinue: () -> Bool
    ) throws(PreprocessingError) -> [PreparedCrop] {
        let place = layout.needed
        let piece = image.resized(
            width: layout.resized.width,
            height: layout.resized.height,
            interpolation: interpolation,
            region: Region(
                x: place.x - layout.canvas.image.x,
                y: place.y - layout.canvas.image.y,
                width: place.width,
                height: place.height
            ),
            while: shouldContinue
        )
        guard let piece else { throw .stopped }
        var prepared: [PreparedCrop] = []
        for crop in layout.crops {
            guard shouldContinue() else { throw .stopped }
            let output = layout.output(of: crop)
            let pixels = piece.cut(crop.region, lyingAt: place)
                .resized(width: output.width, height: output.height, interpolation: interpolation)
            prepared.append(
                PreparedCrop(
                    crop: crop,
                    scale: min(layout.resized.height, layout.resized.width),
                    channels: color.channels,
                    height: output.height,
                    width: output.width,
                    values: normalizer.values(of: pixels, isMirrored: crop.isMirrored)
                )
            )
        }
        return prepared
    }

    /// The crops at one scale.
    private struct Layout {
        let resized: ImageSize
        let canvas: Canvas
        let crops: [Crop]
        /// The part of the resized image that the crops show, on the canvas.
        let needed: Region
        /// The size that crops are resized to; nil leaves each its own.
        private let cropSize: ImageSize?

        init(_ preprocessing: Preprocessing, resized: ImageSize, _ mode: CropMode) {
            let pad = preprocessing.pad
            let size =
                preprocessing.crop
                ?? ImageSize(height: resized.height + 2 * pad, width: resized.width + 2 * pad)
            self.resized = resized
            canvas = Canvas(resized, pad: pad, crop: size)
            crops = mode.crops(size, of: canvas.size, mirror: preprocessing.mirror)
            needed = crops.reduce(crops[0].region) { $0.union($1.region) }.intersection(canvas.image)
            cropSize = mode == .dense ? nil : size
        }

        /// The pixels of all crops as they are cut or as they are made, whichever are more.
        var cutPixels: Int {
            crops.reduce(0) { sum, crop in
                let output = output(of: crop)
                return sum + max(crop.width * crop.height, output.width * output.height)
            }
        }

        func output(of crop: Crop) -> ImageSize {
            cropSize ?? ImageSize(height: crop.height, width: crop.width)
        }
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
        }
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
