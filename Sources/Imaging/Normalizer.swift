internal import CKernels

/// Turns 8-bit pixels into the values a network expects: (pixel · scale − mean) / std, per channel.
///
/// There are only 256 pixels, so each value is computed once, in Double, and then looked up.
struct Normalizer {
    /// For each plane of the output, the channel of the image it shows and the value of each pixel.
    private let planes: [(channel: Int, values: [Float])]
    /// The value of what the image does not cover, for each plane.
    private let outside: [Float]

    /// What an image is taken to be surrounded by.
    enum Outside {
        /// The pixels of the preprocessing's border.
        case border
        /// The mean, whose value is 0.
        case mean
    }

    init(_ preprocessing: Preprocessing, outside: Outside = .border) {
        let channels = preprocessing.color.channels
        let planes = (0..<channels).map { plane in
            let values = (0..<256).map { pixel in
                Float(
                    (Double(pixel) * preprocessing.scale - preprocessing.mean[plane])
                        / preprocessing.std[plane]
                )
            }
            return (channel: preprocessing.color == .bgr ? channels - 1 - plane : plane, values: values)
        }
        self.planes = planes
        self.outside =
            switch outside {
            case .border: planes.map { $0.values[Int(preprocessing.fill)] }
            case .mean: planes.map { _ in 0 }
            }
    }

    /// A rectangle of a canvas on which an image lies at `place`.
    struct Source {
        let image: Image
        let place: Region
        let region: Region
        /// Whether its rows are turned left to right.
        let isMirrored: Bool
    }

    /// Writes the values of a rectangle; what the image does not cover has those of the border.
    ///
    /// - Shape: channels × height × width, as many values as `out` holds.
    /// - Returns: whether it came to the last row, asking `shouldContinue` for every few.
    func write(
        _ source: Source,
        into out: UnsafeMutableBufferPointer<Float>,
        while shouldContinue: () -> Bool
    ) -> Bool {
        let (image, place, region) = (source.image, source.place, source.region)
        let visible = region.intersection(place)
        let left = visible.x - region.x
        let start = source.isMirrored ? region.width - left - visible.width : left
        return unsafe image.pixels.withUnsafeBufferPointer { pixels in
            guard let pixels = pixels.baseAddress else { return false }
            for y in 0..<region.height {
                if y % 16 == 0, !shouldContinue() { return false }
                let below = region.y + y - place.y
                let pixel = (below * image.width + visible.x - place.x) * image.channels
                for (number, plane) in planes.enumerated() {
                    let first = (number * region.height + y) * region.width
                    let row = unsafe UnsafeMutableBufferPointer(rebasing: out[first..<first + region.width])
                    if visible.width < region.width || below < 0 || below >= place.height {
                        unsafe row.update(repeating: outside[number])
                    }
                    guard visible.width > 0, below >= 0, below < place.height,
                        let target = row.baseAddress
                    else { continue }
                    unsafe kernel_normalize(
                        pixels + pixel + plane.channel,
                        1,
                        visible.width,
                        image.channels,
                        plane.values,
                        source.isMirrored,
                        target + start
                    )
                }
            }
            return true
        }
    }
}
