/// The image that crops are cut from: the resized image with a border of zeros, or between the bars of a letterbox.
struct Canvas: Equatable {
    /// The whole canvas.
    let size: ImageSize
    /// Where the resized image lies on it.
    let image: Region

    /// Pads an image on every side, and then, where it is still smaller than the crop, to the crop's size.
    ///
    /// The image stays centred; when the zeros do not divide evenly, the right and the bottom get one more.
    init(_ resized: ImageSize, pad: Int, crop: ImageSize) {
        let width = resized.width + 2 * pad
        let height = resized.height + 2 * pad
        size = ImageSize(height: max(height, crop.height), width: max(width, crop.width))
        image = Region(
            x: pad + (size.width - width) / 2,
            y: pad + (size.height - height) / 2,
            width: resized.width,
            height: resized.height
        )
    }
}

extension Canvas {
    /// An image that was fitted into a letterbox.
    init(_ fitted: ImageSize, in box: Letterbox) {
        size = box.size
        let isCentered = box.place == .center
        image = Region(
            x: isCentered ? (size.width - fitted.width) / 2 : 0,
            y: isCentered ? (size.height - fitted.height) / 2 : 0,
            width: fitted.width,
            height: fitted.height
        )
    }
}

/// A rectangle of pixels; x and y count from the left and the top.
struct Region: Equatable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int

    init(x: Int, y: Int, width: Int, height: Int) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    init(_ box: PixelBox) {
        self.init(x: box.left, y: box.top, width: box.width, height: box.height)
    }

    /// The smallest region that holds both.
    func union(_ other: Region) -> Region {
        let left = min(x, other.x)
        let top = min(y, other.y)
        return Region(
            x: left,
            y: top,
            width: max(x + width, other.x + other.width) - left,
            height: max(y + height, other.y + other.height) - top
        )
    }

    /// What both regions cover; empty (of width or height 0) when they do not meet.
    func intersection(_ other: Region) -> Region {
        let left = max(x, other.x)
        let top = max(y, other.y)
        return Region(
            x: left,
            y: top,
            width: max(0, min(x + width, other.x + other.width) - left),
            height: max(0, min(y + height, other.y + other.height) - top)
        )
    }
}
