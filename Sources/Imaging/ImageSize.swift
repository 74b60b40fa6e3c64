/// A number of pixels down and across.
package struct ImageSize: Sendable, Equatable, CustomStringConvertible {
    package var height: Int
    package var width: Int

    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// Width first, as image sizes are written: `640×480`.
    package var description: String { "\(width)×\(height)" }
}
