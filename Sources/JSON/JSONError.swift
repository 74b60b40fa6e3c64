/// A text is not JSON.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// The byte at which the text stops being JSON.
    package let offset: Int
    package let expected: String

    package var description: String { "not JSON: expected \(expected) at byte \(offset)" }
}

extension String {
    /// The text itself, or as many of its first bytes as end with a whole scalar, and an ellipsis.
    ///
    /// - Complexity: O(bytes), whatever the text's characters are: one character may have any number of scalars.
    package func clipped(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var end = utf8.index(startIndex, offsetBy: bytes)
        while utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(unicodeScalars[..<end]) + "…"
    }
}
