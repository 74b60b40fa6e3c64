internal import CKernels

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
        let count = image.height * image.width
        return unsafe [Float](unsafeUninitializedCapacity: planes.count * count) { values, initialized in
            unsafe image.pixels.withUnsafeBufferPointer { pixels in
                guard let pixels = pixels.baseAddress, var target = values.baseAddress else { return }
                for plane in planes {
                    unsafe kernel_normalize(
                        pixels + plane.channel,
                        image.height,
                        image.width,
                        image.channels,
                        plane.values,
                        isMirrored,
                        target
                    )
                    unsafe target += count
                }
            }
            initialized = planes.count * count
        }
    }
}
