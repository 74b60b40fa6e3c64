/// The crops of an image as a network takes them, each made when it is asked for, in the caller's memory.
///
/// It holds the image and what is resized of it at one scale: crops asked for in their order cost one resizing for
/// each scale, and no more memory for many than for few. A copy shares the image.
package struct PreparedCrops: Sendable {
    /// Where the crops lie, and what making them takes.
    package let plan: CropPlan
    private let source: Source
    private let normalizer: Normalizer
    /// The resized part of the image at the scale in hand.
    private var piece: (layout: Int, image: Image)?

    /// What crops are made of.
    private enum Source {
        case whole(Image)
        /// The resized part for each scale.
        case pieces([Image])
    }

    /// Takes an image of the planned size.
    ///
    /// - Throws: `.channels` when the image was decoded for another colour.
    package init(_ plan: CropPlan, of image: Image) throws(PreprocessingError) {
        let color = plan.preprocessing.color
        guard image.channels == color.channels else {
            throw .channels(expected: color, found: image.channels)
        }
        let size = ImageSize(height: image.height, width: image.width)
        precondition(size == plan.imageSize, "an image of \(size) for a plan of \(plan.imageSize)")
        self.init(plan, whole: image)
    }

    /// Takes an image of the planned size and channels.
    init(_ plan: CropPlan, whole image: Image) {
        self.plan = plan
        source = .whole(image)
        normalizer = Normalizer(plan.preprocessing)
    }

    /// Takes the resized parts of an image, one for each scale of the plan.
    init(_ plan: CropPlan, pieces: [Image]) {
        self.plan = plan
        source = .pieces(pieces)
        normalizer = Normalizer(plan.preprocessing)
    }

    /// Every crop in order; those of one scale follow each other.
    package var placements: [CropPlacement] { plan.placements }

    /// Makes a crop.
    ///
    /// - Shape: channels × height × width, of its placement.
    /// - Parameters:
    ///   - index: of its placement.
    ///   - values: exactly the placement's `count`; all are written, unless it throws.
    ///   - shouldContinue: asked for every few rows; false ends the work.
    /// - Throws: `.stopped` when told to, and nothing else; what was written then has no meaning.
    package mutating func write(
        _ index: Int,
        into values: inout MutableSpan<Float>,
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) {
        let count = plan.placements[index].count
        precondition(values.count == count, "room for \(values.count) values of a crop of \(count)")
        let source = try source(of: index, while: shouldContinue)
        let isWhole = unsafe values.withUnsafeMutableBufferPointer { buffer in
            unsafe normalizer.write(source, into: buffer, while: shouldContinue)
        }
        guard isWhole else { throw .stopped }
    }

    /// The pixels of a crop, resized to its size where it was cut in another.
    private mutating func source(
        of index: Int,
        while shouldContinue: () -> Bool
    ) throws(PreprocessingError) -> Normalizer.Source {
        let (number, place) = index.quotientAndRemainder(dividingBy: plan.layouts[0].crops.count)
        let layout = plan.layouts[number]
        let crop = layout.crops[place]
        let piece = try resized(number, while: shouldContinue)
        guard layout.resizes(crop) else {
            return Normalizer.Source(
                image: piece,
                place: layout.needed,
                region: crop.region,
                isMirrored: crop.isMirrored
            )
        }
        let output = layout.output(of: crop)
        let whole = Region(x: 0, y: 0, width: output.width, height: output.height)
        let pixels = piece.cut(crop.region, lyingAt: layout.needed, fill: plan.preprocessing.fill).resized(
            width: output.width,
            height: output.height,
            interpolation: plan.preprocessing.interpolation,
            region: whole,
            while: shouldContinue
        )
        guard let pixels else { throw .stopped }
        return Normalizer.Source(image: pixels, place: whole, region: whole, isMirrored: crop.isMirrored)
    }

    /// The part of the resized image that the crops of a scale show.
    private mutating func resized(
        _ number: Int,
        while shouldContinue: () -> Bool
    ) throws(PreprocessingError) -> Image {
        let image: Image
        switch source {
        case .pieces(let pieces): return pieces[number]
        case .whole(let whole): image = whole
        }
        if let piece, piece.layout == number { return piece.image }
        piece = nil // before the next is made: only one is held
        let layout = plan.layouts[number]
        let resized = image.resized(
            width: layout.resized.width,
            height: layout.resized.height,
            interpolation: plan.preprocessing.interpolation,
            region: layout.neededOfImage,
            while: shouldContinue
        )
        guard let resized else { throw .stopped }
        piece = (number, resized)
        return resized
    }
}

/// One crop of an image with its values.
package struct PreparedCrop: Sendable {
    package let placement: CropPlacement
    /// The normalised values.
    ///
    /// - Shape: channels × height × width.
    package let values: [Float]

    package var crop: Crop { placement.crop }
    package var scale: Int { placement.scale }
    package var channels: Int { placement.channels }
    package var height: Int { placement.height }
    package var width: Int { placement.width }
}

extension Preprocessing {
    /// Makes all the crops that a network evaluates.
    ///
    /// - Parameters:
    ///   - image: upright, in gray for `ColorMode.gray`, else in RGB.
    ///   - mode: as for `plan`.
    ///   - scales: as for `plan`.
    ///   - limits: as for `plan`.
    ///   - shouldContinue: asked for every few rows; false ends the work.
    /// - Returns: the crops, normalised, scale by scale; all of one size, but for `dense`.
    /// - Throws: what `plan` throws, for an image of other channels, and `.stopped` when told to.
    package func prepare(
        _ image: Image,
        crops mode: CropMode,
        scales: [Int] = [],
        limits: ImageLimits = ImageLimits(),
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) -> [PreparedCrop] {
        let size = ImageSize(height: image.height, width: image.width)
        var crops = try PreparedCrops(
            try plan(for: size, crops: mode, scales: scales, limits: limits),
            of: image
        )
        var prepared: [PreparedCrop] = []
        for (index, placement) in crops.placements.enumerated() {
            var values = [Float](repeating: 0, count: placement.count)
            var span = values.mutableSpan
            try crops.write(index, into: &span, while: shouldContinue)
            prepared.append(PreparedCrop(placement: placement, values: values))
        }
        return prepared
    }
}
