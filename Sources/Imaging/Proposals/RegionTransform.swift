/// How a region of any shape is made an input of one size.
///
/// - Source: Girshick et al. 2014 (R-CNN), Appendix A and Figure 7; the rounding is that of the authors' code.
package struct RegionTransform: Sendable, Equatable {
    /// What becomes of the region's proportion.
    package enum Shape: String, Sendable, CaseIterable {
        /// The tightest square around the region, with what lies around it in the image.
        case squareWithContext = "square-with-context"
        /// The same square, showing the region alone.
        case squareWithoutContext = "square-without-context"
        /// The region's width and height are each scaled to the input's.
        case warp
    }

    package var shape: Shape
    /// The pixels of the input, on each side, that show what lies around the region.
    package var padding: Int

    package init(_ shape: Shape = .warp, padding: Int = 16) {
        (self.shape, self.padding) = (shape, padding)
    }

    /// A part of an image, and where it comes to lie on the input; the rest of the input shows no image.
    package struct View: Sendable, Equatable {
        /// In pixels of the image, within it; never empty.
        package let part: PixelBox
        /// In pixels of the input, within it; never empty.
        package let place: PixelBox
    }

    /// Says what an input shows of a region.
    ///
    /// An input that is not square takes the tightest rectangle of its own proportion for the square.
    ///
    /// - Parameters:
    ///   - region: within the image, of at least one pixel.
    ///   - image: the size of the upright image.
    ///   - input: the size of the input; its sides are longer than twice the padding.
    /// - Returns: what of the image is seen, and where.
    package func view(of region: PixelBox, in image: ImageSize, as input: ImageSize) -> View {
        precondition(
            region.left >= 0 && region.top >= 0 && region.width > 0 && region.height > 0
                && region.right <= image.width && region.bottom <= image.height,
            "region \(region) of an image of \(image)"
        )
        precondition(
            2 * padding < min(input.width, input.height),
            "padding \(padding) of an input of \(input)"
        )
        // Pixels of the image that a pixel of the input shows.
        var across = Double(region.width) / Double(input.width - 2 * padding)
        var down = Double(region.height) / Double(input.height - 2 * padding)
        if shape != .warp { (across, down) = (max(across, down), max(across, down)) }
        let columns = Extent(region.left, region.right, scale: across, padding, image.width, input.width)
        let rows = Extent(region.top, region.bottom, scale: down, padding, image.height, input.height)
        let isTight = shape == .squareWithoutContext
        let (x, y) = (columns.view(isTight: isTight), rows.view(isTight: isTight))
        return View(
            part: PixelBox(
                left: x.part.lowerBound,
                top: y.part.lowerBound,
                right: x.part.upperBound,
                bottom: y.part.upperBound
            ),
            place: PixelBox(
                left: x.place.lowerBound,
                top: y.place.lowerBound,
                right: x.place.upperBound,
                bottom: y.place.upperBound
            )
        )
    }

    /// One axis of a view.
    private struct Extent {
        /// What the whole input would show, in whole pixels, perhaps beyond the image.
        private let whole: Range<Int>
        /// The region with its padding.
        private let padded: Range<Int>
        private let image: Int
        private let input: Int

        init(_ low: Int, _ high: Int, scale: Double, _ padding: Int, _ image: Int, _ input: Int) {
            func range(_ half: Double) -> Range<Int> {
                let center = Double(low + high) / 2
                let first = Int((center - half).rounded())
                return first..<max(first + 1, Int((center + half).rounded()))
            }
            whole = range(scale * Double(input) / 2)
            padded = range(Double(high - low) / 2 + scale * Double(padding))
            (self.image, self.input) = (image, input)
        }

        func view(isTight: Bool) -> (part: Range<Int>, place: Range<Int>) {
            let part = (isTight ? padded.clamped(to: whole) : whole).clamped(to: 0..<image)
            func place(_ x: Int) -> Int {
                Int((Double(x - whole.lowerBound) * Double(input) / Double(whole.count)).rounded())
            }
            let first = min(place(part.lowerBound), input - 1)
            return (part, first..<max(first + 1, place(part.upperBound)))
        }
    }
}
