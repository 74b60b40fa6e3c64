internal import HTTPTypes
internal import Platform

/// The parts of a `multipart/form-data` body, which are views of it: nothing is copied.
///
/// - Source: RFC 7578, with the delimiters of RFC 2046 §5.1. Lines end in CRLF; one level; preamble and
///   epilogue are ignored.
package struct MultipartForm: Sendable {
    /// One field of the form.
    package struct Part: Sendable, Equatable {
        package let name: String?
        /// nil: the part is a field of the form and no file.
        package let filename: String?
        package let contentType: String?
        package let body: ArraySlice<UInt8>
    }

    /// How many parts a body may have, where nothing else is said.
    package static let maxParts = 64
    /// How long one part's header may be.
    package static let maxHeaderBytes = 8 * 1024

    package let parts: [Part]

    /// Splits a body.
    ///
    /// - Parameters:
    ///   - contentType: the request's `Content-Type`, which names the boundary.
    ///   - body: the request's body.
    ///   - maxParts: how many parts it may have.
    /// - Throws: `MultipartError`, whose parts are numbered from 1.
    package init(
        contentType: String,
        body: [UInt8],
        maxParts: Int = Self.maxParts
    ) throws(MultipartError) {
        let delimiter = Array("\r\n--\(try Self.boundary(contentType))".utf8)
        guard var position = Self.firstDelimiter(body, delimiter) else { throw .noParts }
        var parts: [Part] = []
        while !(try Self.passDelimiter(body, &position, part: parts.count + 1)) {
            guard parts.count < maxParts else { throw .tooManyParts(limit: maxParts) }
            parts.append(try Self.part(body, &position, delimiter, number: parts.count + 1))
        }
        self.parts = parts
    }

    private static func boundary(_ contentType: String) throws(MultipartError) -> String {
        let field: ParameterizedField
        do {
            field = try ParameterizedField(contentType)
        } catch {
            throw .notMultipart(String(decoding: contentType.utf8.prefix(100), as: UTF8.self))
        }
        guard field.value.hasSameBytes(as: "multipart/form-data") else {
            throw .notMultipart(String(decoding: contentType.utf8.prefix(100), as: UTF8.self))
        }
        guard let boundary = field["boundary"] else { throw .missingBoundary }
        let isValid = boundary.utf8.allSatisfy {
            $0.isLetter || $0.isDigit || "'()+_,-./:=? ".utf8.contains($0)
        }
        guard isValid, (1...70).contains(boundary.utf8.count), boundary.utf8.last != UInt8(ascii: " ") else {
            throw .invalidBoundary
        }
        return boundary
    }

    /// Where the first delimiter ends; it may stand at the very beginning, without the line end before it.
    private static func firstDelimiter(_ body: [UInt8], _ delimiter: [UInt8]) -> Int? {
        if body.starts(with: delimiter[2...]) { return delimiter.count - 2 }
        return body.span.firstIndex(of: delimiter.span).map { $0 + delimiter.count }
    }

    /// Moves past the rest of a delimiter's line.
    ///
    /// - Returns: whether it was the closing one.
    private static func passDelimiter(
        _ body: [UInt8],
        _ position: inout Int,
        part: Int
    ) throws(MultipartError) -> Bool {
        let dash = UInt8(ascii: "-")
        if position + 1 < body.count, body[position] == dash, body[position + 1] == dash { return true }
        while position < body.count, body[position].isBlank { position += 1 } // padding of the transport
        guard position + 1 < body.count else { throw .truncated(part: part) }
        guard body[position] == 0x0D, body[position + 1] == 0x0A else {
            throw .malformedDelimiter(part: part)
        }
        position += 2
        return false
    }

    private static func part(
        _ body: [UInt8],
        _ position: inout Int,
        _ delimiter: [UInt8],
        number: Int
    ) throws(MultipartError) -> Part {
        let header = try header(body, &position, number: number)
        // The line end that closes the header may be the one that opens the delimiter: an empty part.
        guard let end = body.span.firstIndex(of: delimiter.span, from: position - 2) else {
            throw .truncated(part: number)
        }
        let content = position..<max(position, end)
        position = end + delimiter.count
        return try Self.part(header, body[content], number: number)
    }

    private static func header(
        _ body: [UInt8],
        _ position: inout Int,
        number: Int
    ) throws(MultipartError) -> HTTPFields {
        var fields = HTTPFields()
        let limit = position + maxHeaderBytes
        while true {
            guard let lineFeed = body.span.firstIndex(of: 0x0A, from: position) else {
                if body.count > limit { throw .headerTooLarge(part: number, limit: maxHeaderBytes) }
                throw .truncated(part: number)
            }
            guard lineFeed < limit else { throw .headerTooLarge(part: number, limit: maxHeaderBytes) }
            guard lineFeed > position, body[lineFeed - 1] == 0x0D else {
                throw .malformedHeader(part: number, "a line ends in LF without CR")
            }
            let line = position..<(lineFeed - 1)
            position = lineFeed + 1
            if line.isEmpty { return fields }
            do {
                fields.append(try FieldLine.parse(body.span.extracting(line)))
            } catch {
                throw .malformedHeader(part: number, error.message)
            }
        }
    }

    private static func part(
        _ header: HTTPFields,
        _ content: ArraySlice<UInt8>,
        number: Int
    ) throws(MultipartError) -> Part {
        guard let text = header[.contentDisposition] else { throw .notFormData(part: number) }
        let disposition: ParameterizedField
        do {
            disposition = try ParameterizedField(text)
        } catch {
            throw .malformedDisposition(part: number, error.reason)
        }
        guard disposition.value == "form-data" else { throw .notFormData(part: number) }
        let type = header[.contentType]
        if let type, type.asciiLowercased.utf8.starts(with: "multipart/".utf8) { throw .nested(part: number) }
        if let encoding = header[.contentTransferEncoding]?.asciiLowercased,
            !["binary", "8bit", "7bit"].contains(encoding)
        {
            throw .transferEncoding(part: number, encoding)
        }
        return Part(
            name: disposition["name"],
            filename: disposition["filename"] ?? disposition["filename*"],
            contentType: type,
            body: content
        )
    }
}

extension HTTPField.Name {
    fileprivate static let contentTransferEncoding =
        HTTPField.Name("Content-Transfer-Encoding") ?? .eTag // a token: never the alternative
}
