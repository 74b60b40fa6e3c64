/// A request's place in a distributed trace: the trace and span that the client names, and a span of our own below it.
///
/// We take part in traces and begin none: without a valid `traceparent` there is no context. What is no valid one is
/// ignored, as the specification demands; the request is answered all the same.
///
/// - Source: W3C Trace Context Level 2, §3.2 (`traceparent`), §3.2.3 (versioning).
package struct TraceContext: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64
    private let parent: UInt64
    private let span: UInt64
    private let flagBits: UInt8

    /// The flags of Level 2, sampled and random trace-id; others are not passed on.
    private static let knownFlags: UInt8 = 0b11

    /// Reads the value of a `traceparent` field; nil when it is not a valid one.
    ///
    /// - Parameters:
    ///   - text: `00-<32 digits>-<16 digits>-<2 digits>`, digits in lower case; a later version may say more.
    ///   - span: the number of our own span; not 0.
    package init?(parent text: String, span: UInt64 = .random(in: 1...UInt64.max)) {
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Self.number(bytes[0..<2]), version != 0xFF,
            bytes.count == 55 || version > 0 && bytes[55] == dash,
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]), high | low != 0,
            let parent = Self.number(bytes[36..<52]), parent != 0,
            let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.high = high
        self.low = low
        self.parent = parent
        self.span = span
        flagBits = UInt8(flags) & Self.knownFlags
    }

    /// 32 hexadecimal digits.
    package var traceID: String { Self.digits(high) + Self.digits(low) }
    /// 16 hexadecimal digits: the client's span, and ours.
    package var parentID: String { Self.digits(parent) }
    package var spanID: String { Self.digits(span) }
    /// 2 hexadecimal digits.
    package var flags: String { "0\(flagBits)" }

    /// The value of `traceresponse`, which tells the client our span.
    ///
    /// - Source: the working group's draft of `traceresponse`, §4; Level 2 itself defines no field for answers.
    package var response: String { "00-\(traceID)-\(spanID)-\(flags)" }

    /// The value of at most 16 hexadecimal digits in lower case; nil for anything else.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - 0x57)
            default: return nil
            }
        }
        return number
    }

    private static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
