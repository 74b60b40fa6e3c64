/// What an image may cost, checked before anything of its size is allocated.
package struct ImageLimits: Sendable, Equatable {
    /// The most pixels of an image, as it declares them and as it is after resizing.
    package var maxPixels: Int
    /// The most pixels on either side, as the image declares them.
    package var maxSide: Int
    /// The most scans of a progressive JPEG; encoders write about ten.
    package var maxScans: Int
    /// The most pixels times scans, which is what decoding's time grows with: about a second for a thousand million.
    package var maxScanPixels: Int
    /// The most bytes a decoder may use beside the pixels, which the budget of the requests bounds; a progressive JPEG
    /// needs 2 to 8 for each pixel.
    package var maxDecoderBytes: Int

    package init(
        maxPixels: Int = 120_000_000,
        maxSide: Int = 65_535,
        maxScans: Int = 100,
        maxScanPixels: Int = 1_200_000_000,
        maxDecoderBytes: Int = 1 << 30
    ) {
        self.maxPixels = maxPixels
        self.maxSide = maxSide
        self.maxScans = maxScans
        self.maxScanPixels = maxScanPixels
        self.maxDecoderBytes = maxDecoderBytes
    }

    /// Whether an image of this size is small enough.
    func allow(width: Int, height: Int) -> Bool {
        let (pixels, overflows) = width.multipliedReportingOverflow(by: height)
        return max(width, height) <= maxSide && !overflows && pixels <= maxPixels
    }

    /// The first limit that a decoding is beyond; nil when it may begin.
    func excess(of cost: DecodeCost) -> DecodeCost.Excess? {
        if cost.scans > maxScans { return .scans(cost.scans, limit: maxScans) }
        if cost.scanPixels > maxScanPixels {
            return .scanPixels(pixels: cost.pixels, scans: cost.scans, limit: maxScanPixels)
        }
        return cost.decoderBytes > maxDecoderBytes
            ? .decoderBytes(cost.decoderBytes, limit: maxDecoderBytes) : nil
    }
}

/// What decoding an image will take, known from its markers before any of it is decoded.
package struct DecodeCost: Sendable, Equatable {
    /// The size of the upright image.
    package let size: ImageSize
    /// How the file's pixels are to be turned.
    let orientation: Orientation
    /// Whether its rows come one after the other from the top, so that it need not be held whole.
    let isInOrder: Bool
    /// How often decoding goes over them: the scans of a progressive JPEG, else 1.
    package let scans: Int
    /// The bytes of the decoded pixels.
    package let imageBytes: Int
    /// The most bytes that the decoder holds beside them: coefficients of a JPEG with several scans, and rows.
    package let decoderBytes: Int

    /// The pixels of the image.
    package var pixels: Int { size.width * size.height }
    /// The most bytes held at once.
    package var bytes: Int { imageBytes + decoderBytes }
    /// What the time grows with.
    package var scanPixels: Int { pixels * scans }

    /// A limit that a decoding is beyond, and by how much.
    package enum Excess: Sendable, Equatable, CustomStringConvertible {
        case scans(Int, limit: Int)
        case scanPixels(pixels: Int, scans: Int, limit: Int)
        case framePixels(pixels: Int, frames: Int, limit: Int)
        case decoderBytes(Int, limit: Int)

        package var description: String {
            switch self {
            case .scans(let scans, let limit):
                "it has \(scans) scans; at most \(limit) are accepted"
            case .scanPixels(let pixels, let scans, let limit):
                "its \(pixels) pixels in \(scans) scans make \(pixels * scans) to decode; at most \(limit) "
                    + "(max_scan_pixels) are accepted: save it with fewer scans, or smaller"
            case .framePixels(let pixels, let frames, let limit):
                "its \(pixels) pixels in \(frames) frames are too many to decode; at most \(limit) together "
                    + "(max_scan_pixels) are accepted: save it with fewer frames, or smaller"
            case .decoderBytes(let bytes, let limit):
                "decoding takes \(bytes) bytes beside its pixels; at most \(limit) (max_memory_bytes) are there: "
                    + "save it as a baseline JPEG, or smaller"
            }
        }
    }
}
