/// How much a request may take before it is refused.
package struct ParserLimits: Sendable, Equatable {
    /// Method, target and version together; more is 414.
    package var maxRequestLineBytes = 8 * 1024
    /// All header and trailer lines with their line ends; more is 431.
    package var maxFieldBytes = 32 * 1024
    /// Header and trailer lines; more is 431.
    package var maxFields = 100
    /// The decoded body; more is 413.
    package var maxBodyBytes = 32 * 1024 * 1024
    /// Pieces of a chunked body; more is 400.
    package var maxChunks = 64 * 1024
    /// One chunk's size with its extensions; more is 400.
    package var maxChunkLineBytes = 256
    /// The extensions of all chunks together; more is 400.
    package var maxChunkExtensionBytes = 16 * 1024

    package init() {}
}
