internal import ArgumentParser
internal import FoundationEssentials
internal import Platform

/// What may be shown on a stream: plain text everywhere, colours and moving lines only where a person looks at a terminal.
///
/// A terminal that calls itself `dumb` has neither. `NO_COLOR`, if it is not empty, means no colour
/// (https://no-color.org); `--color` is stronger than both.
struct Terminal: Sendable {
    /// `--color`.
    enum Coloring: String, CaseIterable, ExpressibleByArgument {
        case auto, always, never
    }

    /// How a text is shown, by its number (ECMA-48, §8.3.117).
    enum Style: Int {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
    }

    let stream: StandardStream
    /// Whether its line can be cleared and written anew.
    let isLive: Bool
    let hasColor: Bool

    init(
        _ stream: StandardStream,
        _ coloring: Coloring = .auto,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.init(stream, coloring, environment: environment, isTerminal: stream.isTerminal)
    }

    /// The rule, over a stream that is a terminal or none.
    init(
        _ stream: StandardStream,
        _ coloring: Coloring,
        environment: [String: String],
        isTerminal: Bool
    ) {
        self.stream = stream
        isLive = isTerminal && environment["TERM"] != "dumb" && environment["TERM"] != nil
        hasColor =
            switch coloring {
            case .always: true
            case .never: false
            case .auto: isLive && (environment["NO_COLOR"] ?? "").isEmpty
            }
    }

    /// How long a line may be.
    var columns: Int { stream.columns ?? 80 }

    func styled(_ text: String, _ style: Style) -> String {
        hasColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Clears the line and leaves the cursor at its start (ECMA-48, §8.3.41).
    static let clearedLine = "\r\u{1B}[K"
}
