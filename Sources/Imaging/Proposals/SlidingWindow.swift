/// Windows slid over an image from the largest to the smallest: the whole image, then three shapes of a size, their areas
/// halved from size to size.
///
/// Neighbours are a quarter of a window apart, and the outermost touch the image's sides.
struct SlidingWindow {
    /// Windows are at least so wide and high.
    private static let leastSide = 16
    /// Width over height: square, upright, flat.
    private static let shapes = [1, 0.5, 2]

    private let image: ImageSize

    init(_ image: ImageSize) { self.image = image }

    /// The first `limit` windows, all different.
    ///
    /// - Throws: `.stopped` when told to.
    func boxes(limit: Int, while shouldContinue: () -> Bool) throws(PreprocessingError) -> [PixelBox] {
        var boxes = [PixelBox(left: 0, top: 0, right: image.width, bottom: image.height)]
        var area = Double(image.width) * Double(image.height)
        while boxes.count < limit, area >= Double(Self.leastSide * Self.leastSide) {
            for shape in Self.shapes {
                let window = ImageSize(
                    height: Int((area / shape).squareRoot()),
                    width: Int((area * shape).squareRoot())
                )
                guard min(window.width, window.height) >= Self.leastSide else { continue }
                try slide(window, into: &boxes, limit, shouldContinue)
            }
            area /= 2
        }
        return boxes
    }

    /// Adds a window's places row by row, unless it is the image itself or does not fit.
    private func slide(
        _ window: ImageSize,
        into boxes: inout [PixelBox],
        _ limit: Int,
        _ shouldContinue: () -> Bool
    ) throws(PreprocessingError) {
        guard window.width <= image.width, window.height <= image.height, window != image else { return }
        let columns = Self.places(of: window.width, in: image.width)
        for top in Self.places(of: window.height, in: image.height) {
            guard shouldContinue() else { throw .stopped }
            for left in columns where boxes.count < limit {
                boxes.append(
                    PixelBox(left: left, top: top, right: left + window.width, bottom: top + window.height)
                )
            }
        }
    }

    /// Where a length begins in a side, in even steps of at most a quarter of it.
    private static func places(of length: Int, in side: Int) -> [Int] {
        let free = side - length
        let steps = (4 * free + length - 1) / length
        guard steps > 0 else { return [0] }
        return (0...steps).map { (2 * free * $0 + steps) / (2 * steps) }
    }
}
