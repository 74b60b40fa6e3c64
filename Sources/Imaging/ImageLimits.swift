/// What an image may cost, checked before anything of its size is allocated.
package struct ImageLimits: Sendable, Equatable {
    /// The most pixels of an image, as it declares them and as it is after resizing.
    package var maxPixels: Int
    /// The most pixels on either side, as the image declares them.
    package var maxSide: Int
    /// The most scans of a progressive JPEG; encoders write about ten.
    package var maxScans: Int
    /// The most bytes a decoder may use beside the pixels; a progressive JPEG needs 2 to 8 for each pixel.
    package var maxDecoderBytes: Int

    package init(
        maxPixels: Int = 50_000_000,
        maxSide: Int = 30_000,
        maxScans: Int = 100,
        maxDecoderBytes: Int = 512 << 20
    ) {
        self.maxPixels = maxPixels
        self.maxSide = maxSide
        self.maxScans = maxScans
        self.maxDecoderBytes = maxDecoderBytes
    }

    /// Whether an image of this size is small enough.
    func allow(width: Int, height: Int) -> Bool {
        let (pixels, overflows) = width.multipliedReportingOverflow(by: height)
        return max(width, height) <= maxSide && !overflows && pixels <= maxPixels
    }
}
