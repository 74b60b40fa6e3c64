internal import Platform

/// Numbers that go straight into an array of floats, which is most of what large bodies are made of.
extension JSONPullReader {
    /// Reads an array of numbers, or of such arrays, however deep, and appends the numbers in the order in which they stand.
    ///
    /// - Parameters:
    ///   - values: what the numbers are appended to, each rounded to the nearest `Double` and that to the nearest `Float`.
    ///   - limit: how many numbers there may be.
    /// - Throws: `JSONError` for anything else, for one number more, and for one that no `Float` holds; what the reader's
    ///   check throws.
    package mutating func tensor(into values: inout [Float], atMost limit: Int) throws {
        skipSpace()
        guard current == UInt8(ascii: "[") else { throw fault("an array of numbers") }
        var walk = Walk(end: values.count + limit, deepest: maxNesting)
        repeat {
            try check()
            try walk.go(on: bytes, &offset, into: &values)
        } while walk.nesting > 0
    }

    /// Reads an array of exactly `count` numbers that floats can hold.
    ///
    /// - Returns: whether that came next; if not, nothing is read.
    package mutating func row(of count: Int, into values: inout [Float]) -> Bool {
        let before = values.count
        var walk = Walk(end: before + count, deepest: 1)
        var end = offset
        repeat {
            // What is wrong is said by whoever reads it piece by piece.
            guard (try? walk.go(on: bytes, &end, into: &values)) != nil else { break }
        } while walk.nesting > 0
        guard walk.nesting == 0, values.count == before + count else {
            values.removeSubrange(before...)
            return false
        }
        offset = end
        return true
    }

    /// How far an array of arrays of numbers is read.
    private struct Walk {
        /// How many numbers are read at a time.
        private static let stretch = 4096

        /// How many numbers there are in the end at most.
        let end: Int
        let deepest: Int
        private(set) var nesting = 0
        private var expects = Expectation.value

        private enum Expectation: String {
            case value = "a number or an array"
            /// Behind an opening bracket, where the array may end as well.
            case valueOrEnd = "a number, an array or ']'"
            case commaOrEnd = "',' or ']'"
        }

        init(end: Int, deepest: Int) {
            self.end = end
            self.deepest = deepest
        }

        /// Reads on, to the end of the array or for some thousand numbers.
        mutating func go(
            on bytes: [UInt8],
            _ offset: inout Int,
            into values: inout [Float]
        ) throws(JSONError) {
            let text = bytes.span
            let pause = values.count + Self.stretch
            var i = offset
            repeat {
                while i < text.count, text[i] <= 0x20, text[i].isJSONSpace { i += 1 }
                let byte = i < text.count ? text[i] : 0
                switch (byte, expects) {
                case (UInt8(ascii: ","), .commaOrEnd): expects = .value
                case (UInt8(ascii: "]"), .commaOrEnd), (UInt8(ascii: "]"), .valueOrEnd):
                    nesting -= 1
                    expects = .commaOrEnd
                case (UInt8(ascii: "["), .value), (UInt8(ascii: "["), .valueOrEnd):
                    guard nesting < deepest else { throw JSONError(offset: i, expected: "fewer dimensions") }
                    nesting += 1
                    expects = .valueOrEnd
                case (UInt8(ascii: "0")...UInt8(ascii: "9"), .value), (UInt8(ascii: "-"), .value),
                    (UInt8(ascii: "0")...UInt8(ascii: "9"), .valueOrEnd), (UInt8(ascii: "-"), .valueOrEnd):
                    guard nesting > 0, values.count < end else {
                        throw JSONError(offset: i, expected: "no more numbers")
                    }
                    values.append(try Self.float(text, &i))
                    expects = .commaOrEnd
                    continue
                default: throw JSONError(offset: i, expected: expects.rawValue)
                }
                i += 1
            } while nesting > 0 && values.count < pause
            offset = i
        }

        private static func float(_ text: Span<UInt8>, _ i: inout Int) throws(JSONError) -> Float {
            let start = i
            let value = Float(try DecimalNumber.read(text, &i))
            guard value.isFinite else {
                throw JSONError(offset: start, expected: "a number that a 32-bit float can hold")
            }
            return value
        }
    }
}
