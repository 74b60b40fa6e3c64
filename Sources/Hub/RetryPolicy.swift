/// Whether and when what has failed is tried again: after 1, 2, 4, … seconds, or when the server says.
///
/// - Source: AWS Architecture Blog, "Exponential backoff and jitter", 2015 ("equal jitter").
package struct RetryPolicy: Sendable {
    /// Tries in a row that bring nothing, the first among them.
    package var attempts = 5
    package var firstPause = Duration.seconds(1)
    package var longestPause = Duration.seconds(30)
    /// A server that asks for more is not waited for.
    package var longestWish = Duration.seconds(300)

    package init() {}

    /// How long to wait before the next try.
    ///
    /// - Parameters:
    ///   - attempt: how many tries have failed in a row, from 1.
    ///   - wish: what the server asks for (`Retry-After`).
    ///   - chance: from 0 to 1, so that many clients do not come back at once.
    /// - Returns: nil when there is no next try.
    package func pause(after attempt: Int, wish: Duration?, chance: Double) -> Duration? {
        guard attempt < attempts else { return nil }
        if let wish { return wish <= longestWish ? wish : nil }
        let doubled = firstPause * (1 << min(attempt - 1, 20))
        return min(doubled, longestPause) * (0.5 + 0.5 * chance)
    }
}
