internal import Platform

/// The decoded names and values of a request's query, in the order they came.
///
/// - Source: RFC 3986 §3.4; pairs, `&` and `+` as browsers' forms write them.
package struct Query: Sendable, Equatable {
    /// One `name=value`; without an equals sign the value is empty.
    package struct Pair: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package let pairs: [Pair]

    package init(_ pairs: [Pair] = []) {
        self.pairs = pairs
    }

    /// Splits and decodes what stands after the question mark.
    ///
    /// - Throws: `Refusal` when the encoding is broken.
    package init(decoding text: Span<UInt8>) throws(Refusal) {
        var pairs: [Pair] = []
        var start = 0
        while start < text.count {
            let end = text.firstIndex(of: UInt8(ascii: "&"), from: start) ?? text.count
            if end > start { pairs.append(try Self.pair(text.extracting(start..<end))) }
            start = end + 1
        }
        self.pairs = pairs
    }

    private static func pair(_ text: Span<UInt8>) throws(Refusal) -> Pair {
        let equals = text.firstIndex(of: UInt8(ascii: "=")) ?? text.count
        return Pair(
            name: try PercentEncoding.decode(text.extracting(..<equals), plusIsSpace: true),
            value: try PercentEncoding.decode(
                text.extracting(min(equals + 1, text.count)...),
                plusIsSpace: true
            )
        )
    }

    /// The value of the first pair with this name.
    package subscript(name: String) -> String? {
        pairs.first { $0.name.hasSameBytes(as: name) }?.value
    }

    /// The names in order, repeated as often as they came.
    package var names: [String] { pairs.map(\.name) }
}
