/// What is wrong with a multipart body.
package enum MultipartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The content type is another one, or cannot be parsed.
    case notMultipart(String)
    /// The content type names no boundary.
    case missingBoundary
    /// The boundary is not 1 to 70 of the characters that RFC 2046 allows.
    case invalidBoundary
    /// The boundary does not occur at the beginning of a line of the body.
    case noParts
    /// The body ends before the closing boundary.
    case truncated(part: Int)
    /// A boundary is followed by something other than a line end or `--`.
    case malformedDelimiter(part: Int)
    /// There are more parts than the limit.
    case tooManyParts(limit: Int)
    /// A part's header lines are longer than the limit.
    case headerTooLarge(part: Int, limit: Int)
    /// A part's header cannot be parsed.
    case malformedHeader(part: Int, String)
    /// A part has no `Content-Disposition: form-data`.
    case notFormData(part: Int)
    /// A part's `Content-Disposition` is there and cannot be parsed: for a file name without its quotes, say.
    case malformedDisposition(part: Int, String)
    /// A part is itself multipart.
    case nested(part: Int)
    /// A part is encoded in a way that RFC 7578 §4.7 deprecates.
    case transferEncoding(part: Int, String)

    package var description: String {
        switch self {
        case .notMultipart(let type): "expected the content type multipart/form-data, found '\(type)'"
        case .missingBoundary: "the content type multipart/form-data names no boundary"
        case .invalidBoundary: "the multipart boundary is not 1 to 70 of the characters that RFC 2046 allows"
        case .noParts: "the multipart body does not contain the boundary that its content type names"
        case .truncated(let part): "the multipart body ends within part \(part)"
        case .malformedDelimiter(let part): "the boundary before part \(part) is not followed by a line end"
        case .tooManyParts(let limit): "the multipart body has more than \(limit) parts"
        case .headerTooLarge(let part, let limit): "the header of part \(part) is longer than \(limit) bytes"
        case .malformedHeader(let part, let reason): "the header of part \(part): \(reason)"
        case .notFormData(let part): "part \(part) has no 'Content-Disposition: form-data'"
        case .malformedDisposition(let part, let reason): "the Content-Disposition of part \(part): \(reason)"
        case .nested(let part): "part \(part) is itself multipart; only one level is read"
        case .transferEncoding(let part, let name): "part \(part) has the Content-Transfer-Encoding '\(name)'"
        }
    }
}
