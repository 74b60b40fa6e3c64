internal import HTTPTypes

/// Writes an answer the way the wire wants it (RFC 9112 §4, §6); no socket in it.
package struct ResponseEncoder: Sendable {
    /// What has to be known of the request to answer it.
    package struct Context: Sendable {
        package var isHead: Bool
        package var version: RequestHead.Version
        /// Whether the connection stays open after this answer.
        package var keepsAlive: Bool
        package var requestID: String

        package init(
            isHead: Bool = false,
            version: RequestHead.Version = .http11,
            keepsAlive: Bool = true,
            requestID: String = ""
        ) {
            self.isHead = isHead
            self.version = version
            self.keepsAlive = keepsAlive
            self.requestID = requestID
        }
    }

    /// The interim answer that asks for the body (RFC 9110 §15.2.1).
    package static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// The head of an answer with its empty line.
    ///
    /// - Parameters:
    ///   - response: what the handler said; the fields that the server owns are not taken from it.
    ///   - context: what was asked.
    ///   - date: the value of the `Date` field.
    /// - Returns: the bytes to send before `body(of:_:)`.
    package static func head(of response: Response, _ context: Context, date: String) -> [UInt8] {
        let status = status(of: response)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        func append(_ parts: String...) { for part in parts { bytes.append(contentsOf: part.utf8) } }
        append("HTTP/1.1 ", String(status.code), " ", status.reasonPhrase, "\r\nDate: ", date, "\r\n")
        // RFC 9110 §8.6: none with 204; with 304 only the length a 200 would have had, which nobody knows here.
        if status.code != 204, status.code != 304 {
            if !response.isStreamed {
                append("Content-Length: ", String(response.body.count), "\r\n")
            } else if context.version == .http11 {
                append("Transfer-Encoding: chunked\r\n")
            }
        }
        if !context.keepsAlive {
            append("Connection: close\r\n")
        } else if context.version == .http10 {
            append("Connection: keep-alive\r\n")
        }
        if !context.requestID.isEmpty { append("X-Request-Id: ", context.requestID, "\r\n") }
        for field in response.fields where !owned.contains(field.name) {
            append(field.name.rawName, ": ", field.value, "\r\n")
        }
        append("\r\n")
        return bytes
    }

    /// What follows the head when it is not streamed.
    package static func body(of response: Response, _ context: Context) -> [UInt8] {
        hasBody(response, isHead: context.isHead) ? response.body : []
    }

    /// Whether a body follows the head: not for HEAD, 204 and 304 (RFC 9112 §6.3).
    package static func hasBody(_ response: Response, isHead: Bool) -> Bool {
        let code = status(of: response).code
        return !isHead && code != 204 && code != 304
    }

    /// A piece of a streamed body (RFC 9112 §7.1).
    ///
    /// - Precondition: there are bytes, since an empty chunk is the last.
    package static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        precondition(!bytes.isEmpty, "an empty chunk ends the body")
        return Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10]
    }

    /// The end of a streamed body.
    package static let lastChunk = Array("0\r\n\r\n".utf8)

    /// A handler has one answer to give; an interim one would leave the client waiting.
    static func status(of response: Response) -> HTTPResponse.Status {
        response.status.kind == .informational || response.status.kind == .invalid
            ? .internalServerError : response.status
    }

    private static let owned: [HTTPField.Name] =
        [.date, .contentLength, .connection, .transferEncoding, .requestID]
        + [HTTPField.Name("Keep-Alive")].compactMap(\.self)
}
