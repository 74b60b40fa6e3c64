internal import CCodecs

/// The rows of an image on their way from a decoder to the resized parts that the crops of a plan show.
///
/// The decoder hands over stored rows; each scale's resizer takes what it needs of them, and the image is never whole.
final class CropStream {
    private let plan: CropPlan
    private let header: ImageHeader
    private var resizers: [RowResizer]
    /// The time that resizing took.
    private(set) var duration = Duration.zero

    init(_ plan: CropPlan, _ header: ImageHeader) {
        self.plan = plan
        self.header = header
        resizers = plan.layouts.map { RowResizer($0, plan, stored: header.stored, header.orientation) }
    }

    /// Where a decoder puts the rows; good for as long as the stream is.
    var target: codec_target {
        unsafe codec_target(
            pixels: nil,
            capacity: 0,
            width: UInt32(header.stored.width),
            height: UInt32(header.stored.height),
            channels: UInt32(plan.preprocessing.color.channels),
            origin: 0,
            column_step: 0,
            row_step: 0,
            take: { context, row, y in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<CropStream>.fromOpaque(context).takeUnretainedValue().take(row, y)
            },
            context: Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func take(_ row: UnsafePointer<UInt8>, _ y: Int) {
        let start = ContinuousClock.now
        for index in resizers.indices { unsafe resizers[index].take(row, y) }
        duration += .now - start
    }

    /// The upright parts, one for each scale, once all rows have come.
    func pieces() -> [Image] {
        let start = ContinuousClock.now
        defer { duration += .now - start }
        return resizers.map { $0.piece() }
    }
}

extension CropPlan {
    /// Images of fewer bytes are held whole: they lie in the processor's cache anyway.
    private static let leastStreamed = 1 << 20

    /// The most bytes held at once to decode an image of this plan and to make its crops, beside their values.
    package func bytes(decoding decode: DecodeCost) -> Int {
        streamedBytes(decoding: decode) ?? decode.bytes + cost.workingBytes
    }

    /// The bytes when rows are resized as they come; nil where that cannot be, or takes more than the whole image.
    func streamedBytes(decoding decode: DecodeCost) -> Int? {
        guard decode.isInOrder, decode.imageBytes >= Self.leastStreamed else { return nil }
        let stored =
            decode.orientation.swapsSides
            ? ImageSize(height: imageSize.width, width: imageSize.height) : imageSize
        let crop = layouts.map { $0.heldPixels - $0.needed.width * $0.needed.height }.max() ?? 0
        let bytes = layouts.reduce(decode.decoderBytes + crop * preprocessing.color.channels) {
            $0 + RowResizer.bytes($1, self, stored: stored, decode.orientation)
        }
        return bytes < decode.bytes + cost.workingBytes ? bytes : nil
    }
}
