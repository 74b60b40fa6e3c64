/// Where one crop lies and what comes of it.
package struct CropPlacement: Sendable, Equatable {
    /// Where it lies on the resized and padded image.
    package let crop: Crop
    /// The shorter side of the image after resizing, before padding.
    package let scale: Int
    package let channels: Int
    package let height: Int
    package let width: Int

    /// The number of its values.
    package var count: Int { channels * height * width }
}

/// What making the crops of an image takes.
package struct CropCost: Sendable, Equatable {
    /// The number of crops.
    package let crops: Int
    /// The bytes of the values of all crops.
    package let bytes: Int
    /// The most bytes held at once to make them one after the other, beside the image and the values.
    package let workingBytes: Int
    /// The pixels gone over, which is what the time grows with: those of the image for each scale, of what is resized
    /// of it, and of the crops.
    package let pixels: Int
}

/// The crops of an image of some size, before there is an image: where each lies, and what making them takes.
package struct CropPlan: Sendable {
    /// Every crop, scale by scale in the order of the mode; all of one size, but for `dense`.
    package let placements: [CropPlacement]
    package let cost: CropCost
    /// The size of the upright image that is planned for.
    package let imageSize: ImageSize
    let preprocessing: Preprocessing
    let layouts: [Layout]

    /// The crops at one scale.
    struct Layout: Sendable {
        let resized: ImageSize
        let canvas: Canvas
        let crops: [Crop]
        /// The part of the resized image that the crops show, on the canvas.
        let needed: Region
        /// The size that crops are resized to; nil leaves each its own.
        private let cropSize: ImageSize?

        init(
            _ preprocessing: Preprocessing,
            _ resize: Preprocessing.Resize,
            of image: ImageSize,
            _ mode: CropMode
        ) {
            resized = resize.size(of: image)
            let size: ImageSize
            if case .letterbox(let box) = resize {
                size = box.size
                canvas = Canvas(resized, in: box)
            } else {
                let pad = preprocessing.pad
                size =
                    preprocessing.crop
                    ?? ImageSize(height: resized.height + 2 * pad, width: resized.width + 2 * pad)
                canvas = Canvas(resized, pad: pad, crop: size)
            }
            crops = mode.crops(size, of: canvas.size, mirror: preprocessing.mirror)
            needed = crops.reduce(crops[0].region) { $0.union($1.region) }.intersection(canvas.image)
            cropSize = mode == .dense ? nil : size
        }

        /// The same part, in the coordinates of the resized image.
        var neededOfImage: Region {
            Region(
                x: needed.x - canvas.image.x,
                y: needed.y - canvas.image.y,
                width: needed.width,
                height: needed.height
            )
        }

        func output(of crop: Crop) -> ImageSize {
            cropSize ?? ImageSize(height: crop.height, width: crop.width)
        }

        /// Whether the crop is cut in another size than it comes out.
        func resizes(_ crop: Crop) -> Bool {
            output(of: crop) != ImageSize(height: crop.height, width: crop.width)
        }

        /// The pixels of all crops as they are cut or as they are made, whichever are more.
        var cutPixels: Int {
            crops.reduce(0) { sum, crop in
                let output = output(of: crop)
                return sum + max(crop.width * crop.height, output.width * output.height)
            }
        }

        /// The most pixels in hand at once: what is resized of the image, and a crop as it is cut and as it is made.
        var heldPixels: Int {
            let crop = crops.filter(resizes).map { crop in
                crop.width * crop.height + output(of: crop).width * output(of: crop).height
            }
            return needed.width * needed.height + (crop.max() ?? 0)
        }
    }
}

extension Preprocessing {
    /// Plans the crops of an image of this size, making none.
    ///
    /// - Parameters:
    ///   - size: of the upright image.
    ///   - mode: which crops to cut; mirrored ones are left out when `mirror` is false.
    ///   - scales: shorter sides to which the image is resized, each giving all crops of the mode; none leaves it to
    ///     the mode, and where that has none of its own, to `resize`.
    ///   - limits: `maxPixels` bounds the resized parts of the image together, and the crops together.
    /// - Returns: the crops with their cost.
    /// - Throws: `PreprocessingError` for settings that `validate` refuses, a scale that is named twice, or a result
    ///   beyond the limits.
    package func plan(
        for size: ImageSize,
        crops mode: CropMode,
        scales: [Int] = [],
        limits: ImageLimits = ImageLimits()
    ) throws(PreprocessingError) -> CropPlan {
        try validate()
        try validate(scales: scales)
        let wanted = scales.isEmpty ? mode.defaultScales(crop: crop) ?? [] : scales
        let resizes = wanted.isEmpty ? [resize] : wanted.map(Resize.shorterSide)
        var layouts: [CropPlan.Layout] = []
        var (resizedPixels, cropPixels) = (0, 0)
        for resize in resizes {
            let layout = CropPlan.Layout(self, resize, of: size, mode)
            resizedPixels += layout.needed.width * layout.needed.height
            cropPixels += layout.cutPixels
            guard max(resizedPixels, cropPixels) <= limits.maxPixels else {
                throw .tooLarge(
                    image: size,
                    resized: layout.resized,
                    crop: layout.output(of: layout.crops[0]),
                    count: layout.crops.count * resizes.count,
                    maxPixels: limits.maxPixels
                )
            }
            layouts.append(layout)
        }
        let placements = layouts.flatMap(placements)
        let cost = CropCost(
            crops: placements.count,
            bytes: placements.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride,
            workingBytes: (layouts.map(\.heldPixels).max() ?? 0) * color.channels,
            pixels: size.width * size.height * layouts.count + resizedPixels + cropPixels
        )
        return CropPlan(
            placements: placements,
            cost: cost,
            imageSize: size,
            preprocessing: self,
            layouts: layouts
        )
    }

    /// Tells what making the crops of an image of this size takes.
    ///
    /// - Parameters:
    ///   - size: of the upright image.
    ///   - mode: as for `plan`.
    ///   - scales: as for `plan`.
    ///   - limits: as for `plan`.
    /// - Returns: the number of crops, their bytes, and the pixels to go over.
    /// - Throws: what `plan` throws.
    package func cost(
        of size: ImageSize,
        crops mode: CropMode,
        scales: [Int] = [],
        limits: ImageLimits = ImageLimits()
    ) throws(PreprocessingError) -> CropCost {
        try plan(for: size, crops: mode, scales: scales, limits: limits).cost
    }

    private func placements(_ layout: CropPlan.Layout) -> [CropPlacement] {
        layout.crops.map { crop in
            let output = layout.output(of: crop)
            return CropPlacement(
                crop: crop,
                scale: min(layout.resized.height, layout.resized.width),
                channels: color.channels,
                height: output.height,
                width: output.width
            )
        }
    }
}
