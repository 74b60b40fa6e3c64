/// One message of an event stream (`text/event-stream`), which browsers read with `EventSource`.
///
/// - Source: WHATWG HTML, §9.2.5 and §9.2.6.
package struct ServerSentEvent: Sendable, Equatable {
    /// The media type of a body of such messages.
    package static let contentType = "text/event-stream"

    /// What it says; a client gets it back with every line end as a newline.
    package var data: String

    package init(data: String) {
        self.data = data
    }

    /// The message as it is sent: a `data` field for each line, and an empty line.
    package var encoded: [UInt8] {
        var bytes = Array("data: ".utf8)
        var follows: UInt8 = 0
        for byte in data.utf8 {
            switch byte {
            // One line end, not two: CR LF.
            case UInt8(ascii: "\n") where follows == UInt8(ascii: "\r"): break
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): bytes += "\ndata: ".utf8
            default: bytes.append(byte)
            }
            follows = byte
        }
        return bytes + "\n\n".utf8
    }
}
