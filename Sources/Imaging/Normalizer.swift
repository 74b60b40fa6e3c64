/// Turns 8-bit pixels into the values a network expects: (pixel · scale − mean) / std, per channel.
///
/// There are only 256 pixels, so each value is computed once, in Double, and then looked up.
struct Normalizer {
    /// For each plane of the output, the channel of the image it shows and the value of each pixel.
    private let planes: [(channel: Int, values: [Float])]

    init(_ preprocessing: Preprocessing) {
        let channels = preprocessing.color.channels
        planes = (0..<channels).map { plane in
            let values = (0..<256).map { pixel in
                Float(
                    (Double(pixel) * preprocessing.scale - preprocessing.mean[plane])
                        / preprocessing.std[plane]
                )
            }
            return (preprocessing.color == .bgr ? channels - 1 - plane : plane, values)
        }
    }

    /// The values of an image or of its mirror image.
    ///
    /// - Shape: channels × height × width.
    func values(of image: Image, isMirrored: Bool) -> [Float] {
        let pixels = image.pixels.span
        let rowBytes = image.width * image.channels
        var values: [Float] = []
        values.reserveCapacity(planes.count * image.height * image.width)
        for plane in planes {
            let table = plane.values.span
            for row in 0..<image.height {
                let first = row * rowBytes + plane.channel
                let last = first + rowBytes - image.channels
                let (start, step) = isMirrored ? (last, -image.channels) : (first, image.channels)
                for i in 0..<image.width { values.append(table[Int(pixels[start + i * step])]) }
            }
        }
        return values
    }
}
