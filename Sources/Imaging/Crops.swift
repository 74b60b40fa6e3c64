/// Which crops of an image a prediction averages over: the published test-time augmentations.
package enum CropMode: String, Sendable, CaseIterable {
    /// The centre.
    case center
    /// The centre and its mirror image.
    case mirror
    /// The four corners and the centre: top left, top right, bottom left, bottom right, centre.
    case five
    /// The crops of `five`, then those of the mirrored image in the same order.
    ///
    /// - Source: Krizhevsky et al. 2012, §4.1; the order is that of torchvision's `TenCrop`.
    case ten
    /// 5×5 positions, row by row, then those of the mirrored image in the same order.
    ///
    /// - Source: Simonyan & Zisserman 2015, §4.3: 50 crops for each scale, 150 for three.
    case grid
    /// Three squares along the longer side; of each the crops of `five` and the whole square, shrunk to the crop's
    /// size; then those of the mirrored image in the same order.
    ///
    /// - Source: Szegedy et al. 2015 (GoogLeNet), §7: 36 crops for each scale, 144 for its four.
    case inception
    /// The whole image and its mirror image, for a network that slides over it.
    ///
    /// - Source: Simonyan & Zisserman 2015, §3.2.
    case dense

    /// The shorter sides to which the mode resizes the image when nobody names others; nil leaves it to the model.
    ///
    /// For `inception` they are the paper's 256, 288, 320 and 352 in proportion to its crops of 224.
    func defaultScales(crop: ImageSize?) -> [Int]? {
        guard self == .inception, let crop else { return nil }
        let side = min(crop.height, crop.width)
        return (8...11).map { (2 * side * $0 + 7) / 14 }
    }

    /// Places the crops in an image that is at least as large as they are.
    ///
    /// - Parameters:
    ///   - size: of each crop; `dense` takes the whole canvas.
    ///   - canvas: the size of the image they are taken from.
    ///   - mirror: false drops the mirrored crops.
    /// - Returns: the rectangles in the order of the mode; what is not of the crop's size is to be resized to it.
    func crops(_ size: ImageSize, of canvas: ImageSize, mirror: Bool) -> [Crop] {
        precondition(
            size.width <= canvas.width && size.height <= canvas.height,
            "a crop of \(size) from an image of \(canvas)"
        )
        let whole = Region(x: 0, y: 0, width: canvas.width, height: canvas.height)
        let regions =
            switch self {
            case .center, .mirror: [whole.centered(size)]
            case .five, .ten: whole.cornersAndCenter(size)
            case .grid: whole.grid(size, by: 5)
            case .inception: whole.windows(shapedLike: size).flatMap { $0.cornersAndCenter(size) + [$0] }
            case .dense: [whole]
            }
        let upright = regions.map { Crop($0, isMirrored: false) }
        guard mirror else { return upright }
        switch self {
        case .center, .five: return upright
        case .mirror: return upright + regions.map { Crop($0, isMirrored: true) }
        // The places of the mirrored image, in the coordinates of the image itself.
        case .ten, .grid, .inception, .dense:
            return upright + regions.map { Crop($0.reflected(inWidth: canvas.width), isMirrored: true) }
        }
    }
}

/// A rectangle to cut from the resized and padded image, perhaps to be mirrored after cutting.
package struct Crop: Sendable, Equatable {
    package let x: Int
    package let y: Int
    package let width: Int
    package let height: Int
    /// Whether the cut is turned left to right.
    package let isMirrored: Bool

    package init(x: Int, y: Int, width: Int, height: Int, isMirrored: Bool) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.isMirrored = isMirrored
    }

    fileprivate init(_ region: Region, isMirrored: Bool) {
        self.init(
            x: region.x,
            y: region.y,
            width: region.width,
            height: region.height,
            isMirrored: isMirrored
        )
    }

    /// The rectangle alone.
    var region: Region { Region(x: x, y: y, width: width, height: height) }
}

extension Region {
    /// The rectangle at the same place of the mirrored image.
    fileprivate func reflected(inWidth canvas: Int) -> Region {
        Region(x: canvas - width - x, y: y, width: width, height: height)
    }

    /// The rectangle of that size whose free space is `row` of `rows` above and `column` of `columns` at the left.
    private func part(_ size: ImageSize, _ row: Int, of rows: Int, _ column: Int, of columns: Int) -> Region {
        Region(
            x: x + Self.share((width - size.width) * column, columns),
            y: y + Self.share((height - size.height) * row, rows),
            width: size.width,
            height: size.height
        )
    }

    fileprivate func centered(_ size: ImageSize) -> Region { part(size, 1, of: 2, 1, of: 2) }

    fileprivate func cornersAndCenter(_ size: ImageSize) -> [Region] {
        [(0, 0), (0, 1), (1, 0), (1, 1)].map { row, column in part(size, row, of: 1, column, of: 1) }
            + [centered(size)]
    }

    /// `count` × `count` rectangles at even distances, row by row.
    fileprivate func grid(_ size: ImageSize, by count: Int) -> [Region] {
        (0..<count).flatMap { row in
            (0..<count).map { column in part(size, row, of: count - 1, column, of: count - 1) }
        }
    }

    /// The three largest windows in the proportion of `size`, from the top left to the bottom right.
    fileprivate func windows(shapedLike size: ImageSize) -> [Region] {
        let isWide = width * size.height >= height * size.width
        let window = ImageSize(
            height: isWide ? height : width * size.height / size.width,
            width: isWide ? height * size.width / size.height : width
        )
        return (0...2).map { part(window, $0, of: 2, $0, of: 2) }
    }

    /// A number that is not negative over a positive one; halves round to the even neighbour, as Python's `round` does.
    private static func share(_ number: Int, _ divisor: Int) -> Int {
        Int((Double(number) / Double(divisor)).rounded(.toNearestOrEven))
    }
}
