/// One crop of an image as a network takes it.
package struct PreparedCrop: Sendable {
    /// Where it lies on the resized and padded image.
    package let crop: Crop
    /// The shorter side of the image after resizing, before padding.
    package let scale: Int
    package let channels: Int
    package let height: Int
    package let width: Int
    /// The normalised values.
    ///
    /// - Shape: channels × height × width.
    package let values: [Float]
}
