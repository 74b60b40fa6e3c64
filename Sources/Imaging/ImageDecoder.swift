internal import CCodecs

/// An upright image with what its file says of it.
package struct DecodedImage: Sendable {
    /// The pixels, upright; for `ColorMode.bgr` too they are stored as red, green, blue.
    package let image: Image
    package let format: ImageFormat
    /// The EXIF orientation that was applied, 1 … 8.
    package let orientation: Int

    /// The size of the upright image.
    package var width: Int { image.width }
    /// The size of the upright image.
    package var height: Int { image.height }
}

/// Decodes JPEG and PNG files from memory, in the pixels that Pillow's `open`, `exif_transpose`, `convert` give.
///
/// A file's size is checked against the limits before its pixels are allocated. Rows are written where they
/// belong in the upright image, so decoding takes the pixels, a few rows, and for a progressive JPEG its
/// coefficients. Three things differ from Pillow. Of 16-bit gray PNG the high byte counts, where Pillow clips.
/// A JPEG that lost pixels is an error, where Pillow shows what is left. And a progressive JPEG that lacks scans
/// is smoothed by libjpeg-turbo, which before 3.0.1 did so a little differently.
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
        let header = try Header(of: bytes, color: color, limits: limits)
        let pixels = try pixels(
            of: bytes,
            header,
            channels: color.channels,
            limits,
            while: shouldContinue
        )
        let image = Image(
            width: header.cost.size.width,
            height: header.cost.size.height,
            channels: color.channels,
            pixels: pixels
        )
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
        try Header(of: bytes, color: color, limits: limits).cost
    }

    /// What a file says of itself before its pixels, found to be within the limits.
    private struct Header {
        let format: ImageFormat
        /// The size before the image is turned upright.
        let width: Int
        let height: Int
        let orientation: Orientation
        let cost: DecodeCost

        init(of bytes: ArraySlice<UInt8>, color: ColorMode, limits: ImageLimits) throws(ImageError) {
            format = try ImageFormat(recognising: bytes)
            if format == .png, let (width, height) = declaredSize(ofPNG: bytes),
                !limits.allow(width: width, height: height)
            {
                throw .tooLarge(width: width, height: height, limits: limits)
            }
            let header = try probe(bytes, format)
            width = Int(header.width)
            height = Int(header.height)
            guard limits.allow(width: width, height: height) else {
                throw .tooLarge(width: width, height: height, limits: limits)
            }
            orientation = Orientation(of: bytes, format: format)
            cost = DecodeCost(
                size: orientation.swapsSides
                    ? ImageSize(height: width, width: height) : ImageSize(height: height, width: width),
                scans: Int(header.scans),
                imageBytes: width * height * color.channels,
                decoderBytes: header.working_bytes
            )
            if let excess = limits.excess(of: cost) { throw .tooCostly(format, excess) }
        }
    }

    /// The size in the header chunk of a PNG (§11.2.1); nil when the chunk is not where it must be, at the start.
    ///
    /// It is judged before anything else, so a file that promises too much is refused for that.
    private static func declaredSize(ofPNG bytes: ArraySlice<UInt8>) -> (width: Int, height: Int)? {
        let start = bytes.startIndex
        guard bytes.count >= 24, bytes[start + 12..<start + 16].elementsEqual("IHDR".utf8) else { return nil }
        func number(at offset: Int) -> Int {
            bytes[start + offset..<start + offset + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        return (number(at: 16), number(at: 20))
    }

    private static func probe(
        _ bytes: ArraySlice<UInt8>,
        _ format: ImageFormat
    ) throws(ImageError) -> codec_header {
        var header = codec_header()
        var failure = Failure()
        let status = unsafe bytes.withUnsafeBufferPointer { source in
            unsafe failure.message.withUnsafeMutableBufferPointer { message in
                let probe = unsafe format == .jpeg ? codec_jpeg_probe : codec_png_probe
                // An array with elements has an address, and the message always has some.
                guard let text = message.baseAddress else { return CODEC_CORRUPT }
                return unsafe probe(source.baseAddress, source.count, &header, text, message.count)
            }
        }
        if let error = failure.error(status, format) { throw error }
        return header
    }

    private static func pixels(
        of bytes: ArraySlice<UInt8>,
        _ header: Header,
        channels: Int,
        _ limits: ImageLimits,
        while shouldContinue: () -> Bool
    ) throws(ImageError) -> [UInt8] {
        let count = header.cost.imageBytes
        var failure = Failure()
        var status = CODEC_OK
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            guard let base = buffer.baseAddress else { return }
            var target = unsafe target(base, count, header, channels)
            var allowance = codec_limits(
                max_memory: max(limits.maxDecoderBytes, 1),
                max_scans: UInt32(clamping: header.cost.scans)
            )
            status = unsafe withMonitor(shouldContinue) { monitor in
                unsafe bytes.withUnsafeBufferPointer { source in
                    unsafe failure.message.withUnsafeMutableBufferPointer { message in
                        let decode = unsafe header.format == .jpeg ? codec_jpeg_decode : codec_png_decode
                        guard let text = message.baseAddress else { return CODEC_CORRUPT }
                        return unsafe decode(
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
            initializedCount = status == CODEC_OK ? count : 0
        }
        if let error = failure.error(status, header.format) { throw error }
        return pixels
    }

    /// Passes a closure to C for the length of a call.
    private static func withMonitor(
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

    /// Says where the pixels of a stored image go so that it stands upright.
    private static func target(
        _ base: UnsafeMutablePointer<UInt8>,
        _ count: Int,
        _ header: Header,
        _ channels: Int
    ) -> codec_target {
        let placement = header.orientation.placement(width: header.width, height: header.height)
        return unsafe codec_target(
            pixels: base,
            capacity: count,
            width: UInt32(header.width),
            height: UInt32(header.height),
            channels: UInt32(channels),
            origin: placement.origin * channels,
            column_step: placement.column * channels,
            row_step: placement.row * channels
        )
    }

    /// Room for the sentence that a codec writes when it fails.
    private struct Failure {
        var message = [CChar](repeating: 0, count: Int(CODEC_MESSAGE_SIZE))

        func error(_ status: codec_status, _ format: ImageFormat) -> ImageError? {
            let characters = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let reason = String(decoding: characters, as: UTF8.self)
            return switch status {
            case CODEC_OK: nil
            case CODEC_TRUNCATED: .truncated(format)
            case CODEC_EXHAUSTED: .outOfMemory(format)
            case CODEC_STOPPED: .stopped
            default: .corrupt(format, reason)
            }
        }
    }
}
