internal import Platform

/// Joins the bytes of tokens to text that can be sent at once, and ends it at a stop string.
///
/// Text is held back while it may be the beginning of a stop string or a part of a character, so that what was given
/// out is never taken back. However the bytes are cut, their pieces are the same text together as all of them decoded at
/// once, up to the stop string that is whole first; what is not UTF-8 becomes U+FFFD.
package struct TextAssembler: Sendable {
    private let stops: [[UInt8]]
    /// Bytes that are not given out yet.
    private var held: [UInt8] = []
    /// Whether a stop string has come; it and what follows it are no part of the text.
    package private(set) var isStopped = false

    /// - Precondition: no stop string is empty.
    package init(stops: [String]) {
        precondition(!stops.contains(""), "an empty stop string")
        self.stops = stops.map { Array($0.utf8) }
    }

    /// Takes bytes; returns what has become certain of the text.
    package mutating func append(_ bytes: [UInt8]) -> String {
        guard !isStopped else { return "" }
        held += bytes
        if let start = stopStart {
            isStopped = true
            return release(start)
        }
        return release(held.count - max(stopPrefix, held.incompleteSuffix))
    }

    /// Nothing follows: returns what was held back.
    package mutating func finish() -> String { release(held.count) }

    private mutating func release(_ count: Int) -> String {
        defer { held.removeFirst(count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }

    /// Where the stop string begins that is whole first; of two that end together the longer counts.
    private var stopStart: Int? {
        let found = stops.compactMap { stop in
            held.span.firstIndex(of: stop.span).map { (end: $0 + stop.count, start: $0) }
        }
        return found.min { $0 < $1 }?.start
    }

    /// How many bytes at the end may be the beginning of a stop string.
    private var stopPrefix: Int {
        stops.map { stop in
            (0..<min(stop.count, held.count + 1)).last { held.suffix($0).elementsEqual(stop.prefix($0)) } ?? 0
        }.max() ?? 0
    }
}

extension [UInt8] {
    /// How many bytes at the end are the beginning of a character whose rest may follow.
    ///
    /// - Source: The Unicode Standard, Table 3-7.
    fileprivate var incompleteSuffix: Int {
        for length in 1...3 where length <= count {
            let lead = self[count - length]
            if lead & 0xC0 == 0x80 { continue }
            let needed =
                switch lead {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                case 0xF0...0xF4: 4
                default: 1
                }
            guard length < needed else { return 0 }
            // A second byte outside its range ends the sequence: nothing can complete it.
            return length == 1 || Self.secondBytes(after: lead).contains(self[count - length + 1])
                ? length : 0
        }
        return 0
    }

    private static func secondBytes(after lead: UInt8) -> ClosedRange<UInt8> {
        switch lead {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }
}
