internal import CCodecs

/// Writes images as PNG files: 8-bit gray, RGB or places in a palette, not interlaced, without any metadata.
///
/// The same image gives the same bytes.
/// - Source: W3C Portable Network Graphics (PNG) Specification, third edition.
package enum PNGEncoder {
    package static let mediaType = "image/png"

    /// The bytes of a file.
    ///
    /// - Throws: `ImageError.outOfMemory`.
    package static func encode(_ image: Image) throws(ImageError) -> [UInt8] {
        try encode(image, [])
    }

    /// The bytes of a file whose pixels are places in a palette.
    ///
    /// - Parameters:
    ///   - image: of one channel; every pixel is below the number of colours.
    ///   - palette: of 1 to 256 colours.
    /// - Returns: the file.
    /// - Throws: `ImageError.outOfMemory`.
    package static func encode(_ image: Image, _ palette: Palette) throws(ImageError) -> [UInt8] {
        precondition(image.channels == 1, "a palette for \(image.channels) channels")
        return try encode(image, palette.colors.flatMap { [$0.red, $0.green, $0.blue] })
    }

    private static func encode(_ image: Image, _ palette: [UInt8]) throws(ImageError) -> [UInt8] {
        var file: [UInt8] = []
        var failure = CodecFailure()
        let status = unsafe image.pixels.withUnsafeBufferPointer { pixels in
            unsafe palette.withUnsafeBufferPointer { colors in
                unsafe failure.message.withUnsafeMutableBufferPointer { message in
                    unsafe encode(image, pixels, colors, into: &file, message)
                }
            }
        }
        if let error = failure.error(status, .png) { throw error }
        return file
    }

    private static func encode(
        _ image: Image,
        _ pixels: UnsafeBufferPointer<UInt8>,
        _ colors: UnsafeBufferPointer<UInt8>,
        into file: inout [UInt8],
        _ message: UnsafeMutableBufferPointer<CChar>
    ) -> codec_status {
        // An image has pixels, and the message always has room.
        guard let pixels = pixels.baseAddress, let text = message.baseAddress else { return CODEC_CORRUPT }
        return unsafe withUnsafeMutablePointer(to: &file) { file in
            unsafe codec_png_encode(
                pixels,
                UInt32(image.width),
                UInt32(image.height),
                UInt32(image.channels),
                colors.isEmpty ? nil : colors.baseAddress,
                UInt32(colors.count / 3),
                { context, bytes, count in
                    guard let file = unsafe context?.assumingMemoryBound(to: [UInt8].self) else { return }
                    unsafe file.pointee.append(
                        contentsOf: UnsafeBufferPointer(start: bytes, count: count)
                    )
                },
                file,
                text,
                message.count
            )
        }
    }

    /// The most bytes that a file of an image of that size may have, or nearly so.
    package static func mostBytes(_ size: ImageSize, channels: Int) -> Int {
        let pixels = size.height * (size.width * channels + 1)
        return pixels + pixels / 1000 + 64 * 1024
    }
}
