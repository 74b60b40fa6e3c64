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
    /// - Returns: the upright image.
    /// - Throws: `ImageError` when the bytes are not an image, or one beyond the limits.
    package static func decode(
        _ bytes: ArraySlice<UInt8>,
        color: ColorMode,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> DecodedImage {
        let format = try ImageFormat(recognising: bytes)
        if format == .png, let (width, height) = declaredSize(ofPNG: bytes),
            !limits.allow(width: width, height: height)
        {
            throw .tooLarge(width: width, height: height, limits: limits)
        }
        let (width, height) = try storedSize(of: bytes, format: format)
        guard limits.allow(width: width, height: height) else {
            throw .tooLarge(width: width, height: height, limits: limits)
        }
        let orientation = Exif.orientation(of: bytes, format: format)
        let pixels = try pixels(
            of: bytes,
            format: format,
            layout: Layout(width: width, height: height, channels: color.channels, orientation: orientation),
            limits: limits
        )
        let image = Image(
            width: orientation.swapsSides ? height : width,
            height: orientation.swapsSides ? width : height,
            channels: color.channels,
            pixels: pixels
        )
        return DecodedImage(image: image, format: format, orientation: orientation.rawValue)
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

    /// The size that the file declares, before it is turned upright.
    private static func storedSize(
        of bytes: ArraySlice<UInt8>,
        format: ImageFormat
    ) throws(ImageError) -> (width: Int, height: Int) {
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
        return (Int(header.width), Int(header.height))
    }

    /// The stored size with the channels and the orientation to write it in.
    private struct Layout {
        let width: Int
        let height: Int
        let channels: Int
        let orientation: Orientation
    }

    private static func pixels(
        of bytes: ArraySlice<UInt8>,
        format: ImageFormat,
        layout: Layout,
        limits: ImageLimits
    ) throws(ImageError) -> [UInt8] {
        let count = layout.width * layout.height * layout.channels // below maxPixels · 3, so no overflow
        var failure = Failure()
        var status = CODEC_OK
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            guard let base = buffer.baseAddress else { return }
            var target = unsafe target(base, count, layout)
            var allowance = codec_limits(
                max_memory: max(limits.maxDecoderBytes, 1),
                max_scans: UInt32(clamping: limits.maxScans)
            )
            status = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe failure.message.withUnsafeMutableBufferPointer { message in
                    let decode = unsafe format == .jpeg ? codec_jpeg_decode : codec_png_decode
                    guard let text = message.baseAddress else { return CODEC_CORRUPT }
                    return unsafe decode(
                        source.baseAddress,
                        source.count,
                        &target,
                        &allowance,
                        text,
                        message.count
                    )
                }
            }
            initializedCount = status == CODEC_OK ? count : 0
        }
        if let error = failure.error(status, format) { throw error }
        return pixels
    }

    private static func target(_ base: UnsafeMutablePointer<UInt8>, _ count: Int, _ layout: Layout)
        -> codec_target
    {
        let placement = layout.orientation.placement(width: layout.width, height: layout.height)
        return unsafe codec_target(
            pixels: base,
            capacity: count,
            width: UInt32(layout.width),
            height: UInt32(layout.height),
            channels: UInt32(layout.channels),
            origin: placement.origin * layout.channels,
            column_step: placement.column * layout.channels,
            row_step: placement.row * layout.channels
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
            case CODEC_EXHAUSTED: .tooCostly(format, reason)
            default: .corrupt(format, reason)
            }
        }
    }
}
