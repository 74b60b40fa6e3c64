/// The image that crops are cut from: the resized image with a border of zeros.
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
