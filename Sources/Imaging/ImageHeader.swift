internal import CCodecs

/// What a file says of itself before its pixels, found to be within the limits.
struct ImageHeader {
    let format: ImageFormat
    /// The size before the image is turned upright.
    let stored: ImageSize
    let orientation: Orientation
    let cost: DecodeCost

    /// Reads the header of a file.
    ///
    /// - Throws: `ImageError` when the bytes are not an image, or one beyond the limits.
    init(of bytes: ArraySlice<UInt8>, color: ColorMode, limits: ImageLimits) throws(ImageError) {
        format = try ImageFormat(recognising: bytes)
        if format == .png, let (width, height) = Self.declaredSize(ofPNG: bytes),
            !limits.allow(width: width, height: height)
        {
            throw .tooLarge(width: width, height: height, limits: limits)
        }
        let header = try Self.probe(bytes, format)
        let (width, height) = (Int(header.width), Int(header.height))
        guard limits.allow(width: width, height: height) else {
            throw .tooLarge(width: width, height: height, limits: limits)
        }
        stored = ImageSize(height: height, width: width)
        orientation = Orientation(of: bytes, format: format)
        cost = DecodeCost(
            size: orientation.swapsSides ? ImageSize(height: width, width: height) : stored,
            orientation: orientation,
            isInOrder: header.is_in_order,
            scans: Int(header.scans),
            imageBytes: width * height * color.channels,
            decoderBytes: header.working_bytes
        )
        if let excess = limits.excess(of: cost) { throw .tooCostly(format, excess) }
    }

    /// The size in the header chunk of a PNG (§11.2.1); nil when the chunk is not where it must be, at the start.
    ///
    /// It is judged before anything else, so a file that promises too much is refused for that.
    private static func declaredSize(ofPNG bytes: ArraySlice<UInt8>) -> (width: Int, height: Int)? {
        let start = bytes.startIndex
        let reader = ByteReader(bytes, isBigEndian: true)
        guard bytes.count >= 24, bytes[start + 12..<start + 16].elementsEqual("IHDR".utf8),
            let width = reader.integer32(at: 16), let height = reader.integer32(at: 20)
        else { return nil }
        return (width, height)
    }

    private static func probe(
        _ bytes: ArraySlice<UInt8>,
        _ format: ImageFormat
    ) throws(ImageError) -> codec_header {
        var header = codec_header()
        var failure = CodecFailure()
        let status = unsafe bytes.withUnsafeBufferPointer { source in
            unsafe failure.message.withUnsafeMutableBufferPointer { message in
                // An array with elements has an address, and the message always has some.
                guard let text = message.baseAddress else { return CODEC_CORRUPT }
                return unsafe format.probe(source.baseAddress, source.count, &header, text, message.count)
            }
        }
        if let error = failure.error(status, format) { throw error }
        return header
    }
}

/// Room for the sentence that a codec writes when it fails.
struct CodecFailure {
    var message = [CChar](repeating: 0, count: Int(CODEC_MESSAGE_SIZE))

    /// What went wrong; nil when nothing did.
    func error(_ status: codec_status, _ format: ImageFormat) -> ImageError? {
        guard status != CODEC_OK else { return nil }
        let characters = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let reason = String(decoding: characters, as: UTF8.self)
        return switch status {
        case CODEC_TRUNCATED: .truncated(format)
        case CODEC_EXHAUSTED: .outOfMemory(format)
        case CODEC_STOPPED: .stopped
        default: .corrupt(format, reason)
        }
    }
}
