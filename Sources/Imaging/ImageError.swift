/// Why bytes could not be turned into an image.
package enum ImageError: Error, Equatable, CustomStringConvertible {
    /// There are no bytes.
    case empty
    /// The bytes are no image that is decoded; `looksLike` names what they are, where that can be told.
    case unrecognised(looksLike: String?, firstBytes: [UInt8])
    /// The image declares more pixels, or a longer side, than the limits allow.
    case tooLarge(width: Int, height: Int, limits: ImageLimits)
    /// The bytes end before the image does.
    case truncated(ImageFormat)
    /// The bytes break the format, or use a part of it that is not supported.
    case corrupt(ImageFormat, String)
    /// Decoding would take more time or memory than the limits allow; nothing of it was done.
    case tooCostly(ImageFormat, DecodeCost.Excess)
    /// There was not enough memory to decode an image that is within the limits.
    case outOfMemory(ImageFormat)
    /// The caller said to stop.
    case stopped

    package var description: String {
        switch self {
        case .empty:
            "the image is empty: expected the bytes of a file, found none"
        case .unrecognised(let name?, _):
            "the bytes look like \(name); \(ImageFormat.names) are supported"
                + (ForeignFormat.conversion(of: name).map { ": convert it first, as by `\($0)`" } ?? "")
        case .unrecognised(nil, let bytes):
            "the bytes are not an image that is known: they start with \(Self.hexadecimal(bytes)); "
                + "\(ImageFormat.names) are supported"
        case .tooLarge(let width, let height, let limits):
            "the image is \(width)×\(height) pixels; at most \(limits.maxPixels) (max_pixels), "
                + "and \(limits.maxSide) on a side (max_side), are accepted"
        case .truncated(let format):
            "the \(format.name) image is truncated: its bytes end before the image does"
        case .corrupt(let format, let reason):
            "the \(format.name) image is corrupt: \(reason)"
        case .tooCostly(let format, let excess):
            "the \(format.name) image is too costly: \(excess)"
        case .outOfMemory(let format):
            "there is not enough memory to decode the \(format.name) image"
        case .stopped:
            "the decoding was stopped"
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
