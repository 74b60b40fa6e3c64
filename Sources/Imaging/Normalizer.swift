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

    /// Appends the planes of one crop, row by row.
    ///
    /// - Parameters:
    ///   - crop: the rectangle, on the canvas.
    ///   - piece: the part of the image that the crops need.
    ///   - place: where on the canvas the piece lies; the rest of the canvas is zero pixels.
    ///   - values: gets plane after plane of height × width values.
    func append(_ crop: Crop, of piece: Image, at place: Region, to values: inout [Float]) {
        let visible = crop.region.intersection(place)
        let pixels = piece.pixels.span
        for plane in planes {
            let table = plane.values.span
            let zero = table[0]
            for y in crop.y..<crop.y + crop.height {
                guard visible.width > 0, y >= visible.y, y < visible.y + visible.height else {
                    values.append(contentsOf: repeatElement(zero, count: crop.width))
                    continue
                }
                let left = visible.x - crop.x
                let right = crop.width - left - visible.width
                let first =
                    ((y - place.y) * piece.width + visible.x - place.x) * piece.channels + plane.channel
                let last = first + (visible.width - 1) * piece.channels
                values.append(contentsOf: repeatElement(zero, count: crop.isMirrored ? right : left))
                let (start, step) = crop.isMirrored ? (last, -piece.channels) : (first, piece.channels)
                for i in 0..<visible.width { values.append(table[Int(pixels[start + i * step])]) }
                values.append(contentsOf: repeatElement(zero, count: crop.isMirrored ? left : right))
            }
        }
    }
}
