package import Imaging
internal import Models
internal import Platform
package import Support

/// From what an R-CNN's classifiers say of regions to the objects in them.
///
/// Of each class the regions whose score reaches a threshold are thinned out, the best first, and each that is kept gets the
/// box that the class's regression makes of it.
/// - Source: Girshick et al. 2014, §2.2, §2.4 and Appendix C.
package enum RegionBoxes {
    /// What became of a region's class.
    package struct Found: Sendable, Equatable {
        package let index: Int
        /// The logistic function of the margin, from 0 to 1.
        package let score: Float
        /// In pixels of the image, within it.
        package let box: ImageBox
    }

    /// Regions between two looks at the clock.
    private static let stretch = 256

    /// The objects, the best first.
    ///
    /// - Parameters:
    ///   - outputs: of each region, the margins of its classes, then four offsets for each class.
    ///   - regions: as many, in pixels of the image.
    ///   - classes: how many there are.
    ///   - image: the whole image.
    ///   - threshold: the lowest score.
    ///   - overlap: the intersection over union beyond which the worse of two regions of a class is dropped.
    ///   - most: how many objects at most.
    ///   - context: whose deadline and departure end it.
    /// - Returns: at most `most`.
    /// - Throws: why nobody waits.
    package static func found(
        _ outputs: [[Float]],
        in regions: [PixelBox],
        classes: Int,
        of image: ImageSize,
        threshold: Double,
        overlap: Double,
        most: Int,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) -> [Found] {
        precondition(outputs.count == regions.count, "\(outputs.count) outputs of \(regions.count) regions")
        var candidates: [BoxCandidate] = []
        for (region, output) in outputs.enumerated() {
            if region % stretch == 0 { try context.check() }
            precondition(output.count == 5 * classes, "\(output.count) numbers for \(classes) classes")
            for index in 0..<classes where score(output[index]) >= threshold {
                candidates.append(
                    BoxCandidate(regions[region].box, class: index, score: output[index], anchor: region)
                )
            }
        }
        let kept = try NonMaximumSuppression.kept(candidates, overlap: overlap, most: most, context)
        let whole = ImageBox(left: 0, top: 0, right: Double(image.width), bottom: Double(image.height))
        return kept.map { candidate in
            let start = classes + 4 * candidate.classIndex
            let box = regressed(candidate.box, outputs[candidate.anchor][start..<start + 4], within: whole)
            return Found(index: candidate.classIndex, score: Float(score(candidate.score)), box: box)
        }
    }

    /// The logistic function of a margin.
    private static func score(_ margin: Float) -> Double { 1 / (1 + Exponential.of(-Double(margin))) }

    /// The box that offsets make of a region: the centre moves by parts of its size, which is multiplied by powers.
    ///
    /// Where that is no box within the image, it stays what it is.
    private static func regressed(
        _ box: ImageBox,
        _ offsets: ArraySlice<Float>,
        within image: ImageBox
    ) -> ImageBox {
        let numbers = offsets.map(Double.init)
        let (width, height) = (box.right - box.left, box.bottom - box.top)
        let moved = ImageBox(
            centerX: (box.left + box.right) / 2 + width * numbers[0],
            y: (box.top + box.bottom) / 2 + height * numbers[1],
            width: width * Exponential.of(numbers[2]),
            height: height * Exponential.of(numbers[3])
        )
        let visible = moved.intersection(image)
        return moved.isProper && visible.isProper ? visible : box
    }
}
