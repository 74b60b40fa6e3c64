/// The crops of one image as a network takes them.
package struct PreparedCrops: Sendable {
    /// Where each crop lies on the resized and padded image.
    package let crops: [Crop]
    package let channels: Int
    package let height: Int
    package let width: Int
    /// The normalised values.
    ///
    /// - Shape: crops.count × channels × height × width.
    package let values: [Float]

    package init(crops: [Crop], channels: Int, height: Int, width: Int, values: [Float]) {
        let count = crops.count * channels * height * width
        precondition(values.count == count, "\(values.count) values for crops that hold \(count)")
        self.crops = crops
        self.channels = channels
        self.height = height
        self.width = width
        self.values = values
    }
}
