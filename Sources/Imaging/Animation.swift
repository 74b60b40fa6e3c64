internal import CCodecs

/// A GIF of several frames, which are pictures one after another.
///
/// A frame is what is seen while it is shown: what the file has of it, over what the frames before it have left. What is
/// cleared, or was never covered, has the colour behind the first frame, as where that alone is decoded (`ImageDecoder`).
package struct Animation: Sendable {
    /// Why there are no frames, and the first that could not be had.
    package struct Failure: Error, Equatable {
        package let frame: Int
        package let error: ImageError
    }

    /// How many frames it has, at least two.
    package let count: Int
    /// Of every frame.
    package let size: ImageSize
    /// What drawing takes beside the screen.
    private let workingBytes: Int
    private let file: ArraySlice<UInt8>

    /// Looks for several frames in a whole file.
    ///
    /// Fails for one with a single picture, for another format, and for one that is damaged before its first frame, of which
    /// `ImageDecoder` says why.
    /// - Complexity: linear in the bytes; nothing is decoded.
    package init?(_ file: ArraySlice<UInt8>) {
        guard file.starts(with: "GIF8".utf8) else { return nil }
        var found = codec_animation()
        var failure = CodecFailure()
        let status = unsafe file.withUnsafeBufferPointer { source in
            unsafe failure.message.withUnsafeMutableBufferPointer { message in
                guard let text = message.baseAddress else { return CODEC_CORRUPT }
                return unsafe codec_gif_survey(source.baseAddress, source.count, &found, text, message.count)
            }
        }
        guard status == CODEC_OK, found.frames > 1 else { return nil }
        count = found.frames
        size = ImageSize(height: Int(found.height), width: Int(found.width))
        workingBytes = found.working_bytes
        self.file = file
    }

    /// The most bytes held at once while its frames are made, with all of them.
    ///
    /// - Throws: `Failure` for one beyond the limits.
    package func bytes(_ limits: ImageLimits) throws(Failure) -> Int {
        guard limits.allow(width: size.width, height: size.height) else {
            let error = ImageError.tooLarge(width: size.width, height: size.height, limits: limits)
            throw Failure(frame: 0, error: error)
        }
        let pixels = size.width * size.height
        let (all, overflows) = pixels.multipliedReportingOverflow(by: count)
        guard !overflows, all <= limits.maxScanPixels else {
            let excess = DecodeCost.Excess.framePixels(
                pixels: pixels,
                frames: count,
                limit: limits.maxScanPixels
            )
            throw Failure(frame: 0, error: .tooCostly(.gif, excess))
        }
        return workingBytes + 3 * pixels + count * Bitmap(size).bytes
    }

    /// Makes a file of each frame, so that it goes the way of all images: a BMP of 24 bits.
    ///
    /// - Parameters:
    ///   - limits: what the animation may cost.
    ///   - shouldContinue: asked for each row of each frame; false ends the decoding.
    /// - Returns: the frames, `count` of them.
    /// - Throws: `Failure` for one beyond the limits, damage, and when told to stop.
    package func frames(
        _ limits: ImageLimits = ImageLimits(),
        while shouldContinue: () -> Bool = { true }
    ) throws(Failure) -> [[UInt8]] {
        _ = try bytes(limits)
        var screen = [UInt8](repeating: 0, count: 3 * size.width * size.height)
        var frames: [[UInt8]] = []
        var failure = CodecFailure()
        let bitmap = Bitmap(size)
        let status = unsafe screen.withUnsafeMutableBufferPointer { screen in
            unsafe draw(on: screen, &failure, while: shouldContinue) {
                unsafe frames.append(bitmap.file(UnsafeBufferPointer(screen)))
            }
        }
        if let error = failure.error(status, .gif) { throw Failure(frame: frames.count, error: error) }
        return frames
    }

    /// Has the frames drawn one after another; `take` is told of each.
    private func draw(
        on screen: UnsafeMutableBufferPointer<UInt8>,
        _ failure: inout CodecFailure,
        while shouldContinue: () -> Bool,
        _ take: () -> Void
    ) -> codec_status {
        withoutActuallyEscaping(take) { closure in
            unsafe withUnsafePointer(to: closure) { context in
                unsafe ImageDecoder.withMonitor(shouldContinue) { monitor in
                    unsafe file.withUnsafeBufferPointer { source in
                        unsafe failure.message.withUnsafeMutableBufferPointer { message in
                            guard let text = message.baseAddress, let pixels = screen.baseAddress else {
                                return CODEC_CORRUPT
                            }
                            return unsafe codec_gif_frames(
                                source.baseAddress,
                                source.count,
                                pixels,
                                screen.count,
                                { unsafe $0?.assumingMemoryBound(to: (() -> Void).self).pointee() },
                                UnsafeMutableRawPointer(mutating: context),
                                monitor,
                                text,
                                message.count
                            )
                        }
                    }
                }
            }
        }
    }
}

/// The BMP files of pictures of one size: two headers of together 54 bytes, then rows from the top, each pixel blue, green
/// and red, a row in whole fours of bytes.
private struct Bitmap {
    private let size: ImageSize
    private let rowBytes: Int

    init(_ size: ImageSize) {
        self.size = size
        rowBytes = (3 * size.width + 3) / 4 * 4
    }

    var bytes: Int { 54 + size.height * rowBytes }

    /// A file of pixels in red, green and blue.
    func file(_ pixels: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var file = Array("BM".utf8)
        func append(_ number: Int, _ width: Int) {
            for byte in 0..<width { file.append(UInt8(truncatingIfNeeded: number >> (8 * byte))) }
        }
        for number in [bytes, 0, 54, 40, size.width, -size.height] { append(number, 4) }
        for number in [1, 24] { append(number, 2) }
        for number in [0, size.height * rowBytes, 2835, 2835, 0, 0] { append(number, 4) }
        file.reserveCapacity(bytes)
        for row in 0..<size.height {
            for at in stride(from: 3 * row * size.width, to: 3 * (row + 1) * size.width, by: 3) {
                unsafe file.append(pixels[at + 2])
                unsafe file.append(pixels[at + 1])
                unsafe file.append(pixels[at])
            }
            append(0, rowBytes - 3 * size.width)
        }
        return file
    }
}
