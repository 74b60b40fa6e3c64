/// A rectangle of whole pixels: columns `left` up to but not `right`, rows `top` up to but not `bottom`.
///
/// As an `ImageBox` its sides are these numbers, for pixel x covers x to x + 1.
package struct PixelBox: Sendable, Hashable {
    package var left: Int
    package var top: Int
    package var right: Int
    package var bottom: Int

    package init(left: Int, top: Int, right: Int, bottom: Int) {
        (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    }

    package var width: Int { right - left }
    package var height: Int { bottom - top }
    /// The same rectangle among those with fractions.
    package var box: ImageBox {
        ImageBox(left: Double(left), top: Double(top), right: Double(right), bottom: Double(bottom))
    }

    /// The smallest box that holds both.
    package func union(_ other: PixelBox) -> PixelBox {
        PixelBox(
            left: min(left, other.left),
            top: min(top, other.top),
            right: max(right, other.right),
            bottom: max(bottom, other.bottom)
        )
    }
}

/// Where objects may be in an image, of whatever class: boxes for a classifier to look at.
///
/// The same image gives the same boxes in the same order on every processor. One thread makes them, in memory that the
/// image's size bounds; a new way of proposing is a case of `Method`.
package struct RegionProposals: Sendable, Equatable {
    /// How boxes are found.
    package enum Method: Sendable, Equatable {
        /// Regions that look alike, grouped to ever larger ones.
        ///
        /// - Source: Uijlings et al. 2013.
        case selectiveSearch(SelectiveSearch)
        /// Windows of every size and several shapes, whatever the image shows.
        case slidingWindow
    }

    package var method: Method

    package init(_ method: Method = .selectiveSearch(.fast)) { self.method = method }

    /// The most bytes that proposing holds at once, beside the image and the boxes.
    ///
    /// - Parameter size: of the upright image.
    /// - Returns: bytes, for a lease.
    package func workingBytes(for size: ImageSize) -> Int {
        switch method {
        case .selectiveSearch(let search): search.workingBytes(for: size)
        case .slidingWindow: 0
        }
    }

    /// Proposes boxes, all different and of at least one pixel, the best first.
    ///
    /// - Parameters:
    ///   - image: upright, in RGB or gray.
    ///   - limit: how many boxes at most; there may be fewer.
    ///   - shouldContinue: asked every few milliseconds; false ends the work.
    /// - Returns: boxes in pixels of the image, within it.
    /// - Throws: `.stopped` when told to, and nothing else.
    package func boxes(
        in image: Image,
        limit: Int = 2000,
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) -> [PixelBox] {
        precondition(limit > 0, "\(limit) boxes")
        switch method {
        case .selectiveSearch(let search):
            return try search.boxes(in: image, limit: limit, while: shouldContinue)
        case .slidingWindow:
            let size = ImageSize(height: image.height, width: image.width)
            return try SlidingWindow(size).boxes(limit: limit, while: shouldContinue)
        }
    }
}
