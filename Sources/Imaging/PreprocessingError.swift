/// Why an image could not be prepared for a network, or why settings make no sense.
package enum PreprocessingError: Error, Equatable, CustomStringConvertible {
    /// A setting has not one value for each channel.
    case count(setting: String, color: ColorMode, found: Int)
    /// A whole number lies outside its range.
    case outOfRange(setting: String, range: ClosedRange<Int>, found: Int)
    /// A value is infinite or not a number.
    case notANumber(setting: String, found: Double)
    /// A value must be greater than zero.
    case notPositive(setting: String, found: Double)
    /// A list names a value twice.
    case duplicate(setting: String, found: Int)
    /// The image was decoded for another colour.
    case channels(expected: ColorMode, found: Int)
    /// The resized image, or all crops together, have too many pixels.
    case tooLarge(image: ImageSize, resized: ImageSize, crop: ImageSize, count: Int, maxPixels: Int)
    /// The caller said to stop.
    case stopped

    package var description: String {
        switch self {
        case .count(let setting, let color, let found):
            "`\(setting)` has \(found) values but color \(color) needs \(color.channels)"
        case .outOfRange(let setting, let range, let found):
            "`\(setting)` is \(found) but must be \(range.lowerBound) to \(range.upperBound)"
        case .notANumber(let setting, let found):
            "`\(setting)` is \(found) but must be a finite number"
        case .notPositive(let setting, let found):
            "`\(setting)` is \(found) but must be greater than 0"
        case .duplicate(let setting, let found):
            "`\(setting)` has \(found) twice but each may be there once"
        case .channels(let color, let found):
            "the image has \(found) channels but color \(color) needs \(color.channels)"
        case .tooLarge(let image, let resized, let crop, let count, let maxPixels):
            "the image is \(image) pixels; resized to \(resized) and cut into \(count) of \(crop) it would have "
                + "more than the \(maxPixels) pixels that are accepted"
        case .stopped:
            "the preparation was stopped"
        }
    }
}
