internal import HTTPTypes
internal import Platform

/// How the bytes of a body may be packed (RFC 9110 §8.4.1).
package enum ContentCoding: String, Sendable, CaseIterable {
    case gzip
    /// The zlib format; bare deflate, which some clients send under this name, is read too.
    case deflate

    /// What a client is told that sends or wants something else.
    static let accepted = "gzip, deflate, identity"

    /// How a body is packed by what its `Content-Encoding` says; nil when it is not.
    ///
    /// - Throws: `Refusal` 415 for another coding, and for several: nobody packs twice but to make a bomb.
    static func coding(_ values: [String]) throws(Refusal) -> ContentCoding? {
        let names = FieldList.elements(values).filter { $0 != "identity" }
        guard let name = names.first else { return nil }
        guard names.count == 1, let coding = ContentCoding(name: name) else {
            let found = names.joined(separator: ", ").utf8.prefix(100)
            throw Refusal(
                .unsupportedMediaType,
                "unsupported_encoding",
                "Content-Encoding '\(String(decoding: found, as: UTF8.self))' is not supported; send \(accepted)"
            )
        }
        return coding
    }

    /// The coding of this name; `x-gzip` is an old one (RFC 9110 §8.4.1.3).
    init?(name: String) {
        guard let coding = ContentCoding(rawValue: name == "x-gzip" ? "gzip" : name) else { return nil }
        self = coding
    }
}

/// What a client says of codings in `Accept-Encoding` (RFC 9110 §12.5.3).
package struct AcceptEncoding {
    /// The coding that an answer gets which is worth it; nil: none.
    package let preferred: ContentCoding?
    /// Whether an answer may not come as it is.
    let refusesIdentity: Bool

    /// What the client says that sent a request.
    package init(_ request: Request) { self.init(request.fields[values: .acceptEncoding]) }

    init(_ values: [String]) {
        var weights: [String: Int] = [:]
        for element in FieldList.elements(values) {
            let (name, weight) = QualityValue.split(element)
            weights[name == "x-gzip" ? "gzip" : name] = weight
        }
        let others = weights["*"]
        func weight(_ name: String) -> Int? { weights[name] ?? others }
        refusesIdentity = weight("identity") == 0
        let codings = ContentCoding.allCases.map { (coding: $0, weight: weight($0.rawValue) ?? 0) }
        // Of equals the first; an answer as it is only where that is said to be better.
        let best = codings.reduce(codings[0]) { $1.weight > $0.weight ? $1 : $0 }
        preferred = best.weight > 0 && best.weight >= weights["identity"] ?? 0 ? best.coding : nil
    }
}

/// The weight behind an element of a list, such as `;q=0.5` (RFC 9110 §12.4.2).
package enum QualityValue {
    /// Splits an element, in lower case, into its name and its weight in thousandths; without a weight that is all of it.
    package static func split(_ element: String) -> (name: String, weight: Int) {
        let parts = element.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        let name = String(Substring((parts.first ?? element.utf8[...]).trimmingBlanks()))
        for parameter in parts.dropFirst() {
            let parameter = parameter.trimmingBlanks()
            guard parameter.starts(with: "q=".utf8) else { continue }
            let value = Double(String(Substring(parameter.dropFirst(2)))) ?? 1
            return (name, value >= 0 && value <= 1 ? Int(value * 1000) : 1000)
        }
        return (name, 1000)
    }
}

extension Response {
    /// Packs the body where the client takes it so and that saves something: a text that is not packed already.
    ///
    /// - Parameter request: what is answered.
    package mutating func pack(for request: Request) {
        guard !isStreamed, !body.isEmpty, !fields.contains(.contentEncoding) else { return }
        guard isText || request.refusesIdentity else { return }
        vary(by: .acceptEncoding)
        let accepted = AcceptEncoding(request)
        guard let coding = accepted.preferred,
            let packed = Deflater.deflate(body, coding == .gzip ? .gzip : .zlib),
            packed.count < body.count || accepted.refusesIdentity
        else { return }
        body = packed
        fields[.contentEncoding] = coding.rawValue
    }

    private var isText: Bool {
        guard let type = fields[.contentType]?.utf8.prefix(while: { $0 != UInt8(ascii: ";") }) else {
            return false
        }
        if type.elementsEqual(ServerSentEvent.contentType.utf8) { return false }
        return type.starts(with: "text/".utf8) || type.elementsEqual("application/json".utf8)
    }
}
