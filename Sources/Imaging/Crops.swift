/// Which crops of an image a prediction averages over.
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

    /// Places the crops in an image that is at least as large as they are.
    ///
    /// - Parameters:
    ///   - size: of each crop.
    ///   - canvas: the size of the image they are taken from.
    ///   - mirror: false drops the mirrored crops.
    /// - Returns: the crops in the order of the mode.
    func crops(_ size: ImageSize, of canvas: ImageSize, mirror: Bool) -> [Crop] {
        precondition(
            size.width <= canvas.width && size.height <= canvas.height,
            "a crop of \(size) from an image of \(canvas)"
        )
        let upright =
            switch self {
            case .center, .mirror: [Crop.center(size, of: canvas)]
            case .five, .ten: Crop.five(size, of: canvas)
            }
        guard mirror else { return upright }
        switch self {
        case .center, .five: return upright
        case .mirror: return upright + upright.map(\.mirrored)
        // The corners of the mirrored image, in the coordinates of the image itself.
        case .ten: return upright + upright.map { $0.reflected(inWidth: canvas.width) }
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

    private init(_ size: ImageSize, x: Int, y: Int) {
        self.init(x: x, y: y, width: size.width, height: size.height, isMirrored: false)
    }

    /// The rectangle alone.
    var region: Region { Region(x: x, y: y, width: width, height: height) }

    /// The same cut, turned.
    fileprivate var mirrored: Crop { Crop(x: x, y: y, width: width, height: height, isMirrored: true) }

    /// The cut at the same place of the mirrored image.
    fileprivate func reflected(inWidth canvas: Int) -> Crop {
        Crop(x: canvas - width - x, y: y, width: width, height: height, isMirrored: true)
    }

    fileprivate static func center(_ size: ImageSize, of canvas: ImageSize) -> Crop {
        Crop(size, x: halfToEven(canvas.width - size.width), y: halfToEven(canvas.height - size.height))
    }

    fileprivate static func five(_ size: ImageSize, of canvas: ImageSize) -> [Crop] {
        let right = canvas.width - size.width
        let bottom = canvas.height - size.height
        return [
            Crop(size, x: 0, y: 0),
            Crop(size, x: right, y: 0),
            Crop(size, x: 0, y: bottom),
            Crop(size, x: right, y: bottom),
            center(size, of: canvas),
        ]
    }

    /// Half of a number that is not negative; halves round to the even neighbour, as Python's `round` does.
    private static func halfToEven(_ number: Int) -> Int {
        let half = number / 2
        return number % 2 == 1 && half % 2 == 1 ? half + 1 : half
    }
}
