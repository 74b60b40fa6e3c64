internal import CKernels

/// A space of colours, in each of which other borders of objects are seen: light and shade change some channels and leave
/// others alone.
///
/// - Source: Uijlings et al. 2013, §3.2 and Table 2.
package enum ColorSpace: String, Sendable, CaseIterable {
    /// Hue, saturation, value.
    case hsv
    /// CIE L*a*b*, in which distances are what the eye sees.
    case lab
    /// Red and green over the sum of all, and the intensity.
    case rgI
    /// The hue alone.
    case hue
    /// The intensity alone.
    case intensity

    package var channels: Int {
        switch self {
        case .hsv, .lab, .rgI: 3
        case .hue, .intensity: 1
        }
    }

    fileprivate var kernel: kernel_color {
        switch self {
        case .hsv: KERNEL_COLOR_HSV
        case .lab: KERNEL_COLOR_LAB
        case .rgI: KERNEL_COLOR_RGI
        case .hue: KERNEL_COLOR_HUE
        case .intensity: KERNEL_COLOR_INTENSITY
        }
    }
}

/// An image in a space of colours, channel by channel, each from 0 to 255.
package struct ColorPlanes: Sendable {
    package let width: Int
    package let height: Int
    package let channels: Int
    /// - Layout: channels × height × width.
    package let values: [UInt8]

    /// The pixels of a channel.
    var area: Int { width * height }

    /// Takes channels as they are.
    package init(width: Int, height: Int, channels: Int, values: [UInt8]) {
        precondition(channels == 1 || channels == 3, "\(channels) channels")
        precondition(
            values.count == channels * height * width,
            "\(values.count) values of \(width)×\(height)×\(channels)"
        )
        (self.width, self.height, self.channels, self.values) = (width, height, channels, values)
    }

    /// Converts an image.
    package init(_ image: Image, in space: ColorSpace) {
        let area = image.width * image.height
        var table = [UInt16](repeating: 0, count: kernel_lab_table_count)
        if space == .lab { unsafe kernel_lab_table(&table) }
        var values = [UInt8](repeating: 0, count: space.channels * area)
        unsafe kernel_color_planes(image.pixels, area, image.channels, space.kernel, table, area, &values)
        self.init(width: image.width, height: image.height, channels: space.channels, values: values)
    }
}

/// The rows of an image in groups of about a millisecond's work, between which may be asked whether to go on.
struct RowGroups {
    private static let pixels = 1 << 15

    let width: Int
    let height: Int

    /// - Throws: `.stopped` when told to.
    func each(
        while shouldContinue: () -> Bool,
        _ body: (Range<Int>) -> Void
    ) throws(PreprocessingError) {
        try WorkGroups.each(of: height, max(1, Self.pixels / width), while: shouldContinue, body)
    }
}

/// A count in groups, between which may be asked whether to go on.
enum WorkGroups {
    /// - Throws: `.stopped` when told to.
    static func each(
        of count: Int,
        _ size: Int,
        while shouldContinue: () -> Bool,
        _ body: (Range<Int>) -> Void
    ) throws(PreprocessingError) {
        var first = 0
        while first < count {
            guard shouldContinue() else { throw .stopped }
            let last = min(first + size, count)
            body(first..<last)
            first = last
        }
    }
}
