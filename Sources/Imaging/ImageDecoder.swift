internal import CCodecs

/// An upright image with what its file says of it.
package struct DecodedImage: Sendable {
    /// The pixels, upright; for `ColorMode.bgr` too they are stored as red, green, blue.
    package let image: Image
    package let format: ImageFormat
    /// The orientation that was applied, 1 … 8.
    package let orientation: Int

    /// The size of the upright image.
    package var width: Int { image.width }
    /// The size of the upright image.
    package var height: Int { image.height }
}

/// An image's crops, ready to be made, with what its file says of it.
package struct DecodedCrops: Sendable {
    package let crops: PreparedCrops
    package let format: ImageFormat
    /// The orientation that was applied, 1 … 8.
    package let orientation: Int
    /// The part of the time that went into resizing rows as they came.
    package let resizing: Duration
}

/// Decodes image files from memory, in the pixels that Pillow's `open`, `exif_transpose`, `convert` give.
///
/// A file's size is checked against the limits before its pixels are allocated. Rows are written where they
/// belong in the upright image, so decoding takes the pixels, a few rows, and for a progressive JPEG its
/// coefficients; the rows of a large image go through the resizing of its crops as they come, and it is never held
/// whole. Five things differ from Pillow. Of 16-bit gray PNG the high byte counts, where Pillow clips.
/// A JPEG that lost pixels is an error, where Pillow shows what is left. A progressive JPEG that lacks scans
/// is smoothed by libjpeg-turbo, which before 3.0.1 did so a little differently. A wrong checksum at the end of a PNG's
/// stream is ignored, where Pillow refuses the file. And a BMP of 4 or 8 bits whose palette is black and white alone is
/// read by it, where Pillow takes its bytes for rows of bits.
package enum ImageDecoder {
    /// The C libraries in use and their versions.
    package static var libraries: String { unsafe String(cString: codec_versions()) }

    /// Decodes a file.
    ///
    /// - Parameters:
    ///   - bytes: the whole file; its first bytes tell the format.
    ///   - color: gray asks for one channel; rgb and bgr both ask for red, green, blue.
    ///   - limits: what the image may cost.
    ///   - shouldContinue: asked for each row, and in a progressive JPEG for each row of blocks of each scan; false
    ///     ends the decoding.
    /// - Returns: the upright image.
    /// - Throws: `ImageError` when the bytes are not an image, or one beyond the limits; `.stopped` when told to.
    package static func decode(
        _ bytes: ArraySlice<UInt8>,
        color: ColorMode,
        limits: ImageLimits = ImageLimits(),
        while shouldContinue: () -> Bool = { true }
    ) throws(ImageError) -> DecodedImage {
        let header = try ImageHeader(of: bytes, color: color, limits: limits)
        let image = try image(of: bytes, header, channels: color.channels, limits, while: shouldContinue)
        return DecodedImage(image: image, format: header.format, orientation: header.orientation.rawValue)
    }

    /// Tells what decoding a file will take, without decoding any of it.
    ///
    /// - Parameters:
    ///   - bytes: the whole file; the markers of a progressive JPEG are read to the end.
    ///   - color: as for `decode`.
    ///   - limits: as for `decode`.
    /// - Returns: the pixels, how often they are gone over, and the bytes that are held at once.
    /// - Throws: what `decode` throws before its first pixel, so a file beyond the limits is refused here.
    /// - Complexity: linear in the bytes.
    package static func cost(
        _ bytes: ArraySlice<UInt8>,
        color: ColorMode,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> DecodeCost {
        try ImageHeader(of: bytes, color: color, limits: limits).cost
    }

    /// Decodes a file to what the crops of a plan are made of: the image, or where that takes less memory, its resized
    /// parts alone.
    ///
    /// - Parameters:
    ///   - plan: the crops.
    ///   - bytes: the whole file, of the planned size.
    ///   - limits: as for `decode`.
    ///   - shouldContinue: as for `decode`.
    /// - Returns: the crops, to be made one by one; they hold at most `plan.bytes(decoding:)`.
    /// - Throws: as `decode`.
    package static func crops(
        _ plan: CropPlan,
        of bytes: ArraySlice<UInt8>,
        limits: ImageLimits = ImageLimits(),
        while shouldContinue: () -> Bool = { true }
    ) throws(ImageError) -> DecodedCrops {
        let color = plan.preprocessing.color
        let header = try ImageHeader(of: bytes, color: color, limits: limits)
        precondition(
            header.cost.size == plan.imageSize,
            "\(header.cost.size) for a plan of \(plan.imageSize)"
        )
        let crops: PreparedCrops
        var resizing = Duration.zero
        if plan.streamedBytes(decoding: header.cost) != nil {
            let stream = CropStream(plan, header)
            try unsafe decode(bytes, header, into: stream.target, limits, while: shouldContinue)
            crops = PreparedCrops(plan, pieces: stream.pieces())
            resizing = stream.duration
        } else {
            let image = try image(of: bytes, header, channels: color.channels, limits, while: shouldContinue)
            crops = PreparedCrops(plan, whole: image)
        }
        return DecodedCrops(
            crops: crops,
            format: header.format,
            orientation: header.orientation.rawValue,
            resizing: resizing
        )
    }

    private static func image(
        of bytes: ArraySlice<UInt8>,
        _ header: ImageHeader,
        channels: Int,
        _ limits: ImageLimits,
        while shouldContinue: () -> Bool
    ) throws(ImageError) -> Image {
        let count = header.cost.imageBytes
        var failure: ImageError?
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            guard let base = buffer.baseAddress else { return }
            do throws(ImageError) {
                let target = unsafe target(base, count, header, channels)
                try unsafe decode(bytes, header, into: target, limits, while: shouldContinue)
                initializedCount = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let size = header.cost.size
        return Image(width: size.width, height: size.height, channels: channels, pixels: pixels)
    }

    /// Says where the pixels of a stored image go so that it stands upright.
    private static func target(
        _ base: UnsafeMutablePointer<UInt8>,
        _ count: Int,
        _ header: ImageHeader,
        _ channels: Int
    ) -> codec_target {
        let (width, height) = (header.stored.width, header.stored.height)
        let placement = header.orientation.placement(width: width, height: height)
        return unsafe codec_target(
            pixels: base,
            capacity: count,
            width: UInt32(width),
            height: UInt32(height),
            channels: UInt32(channels),
            origin: placement.origin * channels,
            column_step: placement.column * channels,
            row_step: placement.row * channels,
            take: nil,
            context: nil
        )
    }

    private static func decode(
        _ bytes: ArraySlice<UInt8>,
        _ header: ImageHeader,
        into target: codec_target,
        _ limits: ImageLimits,
        while shouldContinue: () -> Bool
    ) throws(ImageError) {
        var failure = CodecFailure()
        var target = unsafe target
        var allowance = codec_limits(
            max_memory: max(limits.maxDecoderBytes, 1),
            max_scans: UInt32(clamping: header.cost.scans)
        )
        let status = unsafe withMonitor(shouldContinue) { monitor in
            unsafe bytes.withUnsafeBufferPointer { source in
                unsafe failure.message.withUnsafeMutableBufferPointer { message in
                    guard let text = message.baseAddress else { return CODEC_CORRUPT }
                    return unsafe header.format.decode(
                        source.baseAddress,
                        source.count,
                        &target,
                        &allowance,
                        monitor,
                        text,
                        message.count
                    )
                }
            }
        }
        if let error = failure.error(status, header.format) { throw error }
    }

    /// Passes a closure to C for the length of a call.
    static func withMonitor(
        _ shouldContinue: () -> Bool,
        _ body: (UnsafePointer<codec_monitor>) -> codec_status
    ) -> codec_status {
        withoutActuallyEscaping(shouldContinue) { closure in
            unsafe withUnsafePointer(to: closure) { context in
                var monitor = unsafe codec_monitor(
                    should_continue: { context in
                        unsafe context?.assumingMemoryBound(to: (() -> Bool).self).pointee() ?? true
                    },
                    context: UnsafeMutableRawPointer(mutating: context)
                )
                return unsafe body(&monitor)
            }
        }
    }
}
