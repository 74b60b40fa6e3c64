/// Colours by number, for classes in pictures.
package struct Palette: Sendable, Equatable {
    /// A colour of 8 bits a channel.
    package struct Color: Sendable, Equatable {
        package let red: UInt8
        package let green: UInt8
        package let blue: UInt8

        package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
            (self.red, self.green, self.blue) = (red, green, blue)
        }

        /// `#rrggbb`.
        package var hexadecimal: String {
            "#"
                + [red, green, blue].map { value in
                    let digits = String(value, radix: 16)
                    return digits.count == 1 ? "0\(digits)" : digits
                }.joined()
        }

        /// How bright it looks, 0 to 255.
        ///
        /// - Source: ITU-R BT.601.
        var luminance: Double { 0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue) }
    }

    /// What a PNG may have.
    package static let maxColors = 256

    /// At least one.
    package let colors: [Color]

    /// - Precondition: there are 1 to 256 colours.
    package init(_ colors: [Color]) {
        precondition(1...Self.maxColors ~= colors.count, "a palette of \(colors.count) colours")
        self.colors = colors
    }

    /// The colour of a class; those beyond the last begin again behind the first, which is the background's.
    package subscript(index: Int) -> Color {
        guard index >= colors.count, colors.count > 1 else { return colors[min(index, colors.count - 1)] }
        return colors[1 + (index - 1) % (colors.count - 1)]
    }

    /// The same colours, and those of a map of classes behind them as far as that has more.
    package func extended(to count: Int) -> Palette {
        guard count > colors.count else { return self }
        return Palette(colors + Self.pascalVOC(count).colors[colors.count...])
    }

    /// The colour map that the masks of PASCAL VOC have: black, then colours far from each other, by the bits of the number.
    ///
    /// - Source: Everingham et al., VOC development kit, `VOClabelcolormap.m`.
    package static func pascalVOC(_ count: Int) -> Palette {
        Palette(
            (0..<min(max(count, 1), maxColors)).map { index in
                var (bits, channels) = (index, [0, 0, 0])
                for shift in stride(from: 7, through: 0, by: -1) {
                    for channel in 0..<3 { channels[channel] |= (bits >> channel & 1) << shift }
                    bits >>= 3
                }
                return Color(UInt8(channels[0]), UInt8(channels[1]), UInt8(channels[2]))
            }
        )
    }

    /// Colours that are told apart on any picture and in any order, for what is drawn over one.
    ///
    /// - Source: Okabe & Ito, "Color universal design" (2008), without black.
    package static let distinct = Palette([
        Color(230, 159, 0), Color(86, 180, 233), Color(0, 158, 115), Color(240, 228, 66),
        Color(0, 114, 178), Color(213, 94, 0), Color(204, 121, 167),
    ])
}
