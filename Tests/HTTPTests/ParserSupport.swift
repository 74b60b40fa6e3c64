import HTTP
import HTTPTypes

/// What a parser made of some bytes.
enum Parsed: Equatable, CustomStringConvertible {
    case request(method: String, path: String, body: String)
    case refusal(Int, String)

    var description: String {
        switch self {
        case .request(let method, let path, let body): "\(method) \(path) [\(body)]"
        case .refusal(let status, let message): "\(status) \(message)"
        }
    }
}

extension RequestParser {
    /// Feeds `bytes` in pieces of the given sizes, the last of which repeats.
    static func feed(_ bytes: [UInt8], pieces: [Int], limits: ParserLimits = ParserLimits()) -> [Parsed] {
        var parser = RequestParser(limits: limits)
        var results: [Parsed] = []
        var head: RequestHead?
        var start = 0
        var turn = 0
        while start < bytes.count {
            let size = max(1, pieces[min(turn, pieces.count - 1)])
            turn += 1
            let piece = Array(bytes[start..<min(bytes.count, start + size)])
            start += piece.count
            var position = 0
            while let event = parser.next(piece.span, at: &position) {
                switch event {
                case .head(let next): head = next
                case .body(let body):
                    let text = String(decoding: body, as: UTF8.self)
                    results.append(
                        .request(method: "\(head?.method.rawValue ?? "")", path: head?.path ?? "", body: text)
                    )
                case .refusal(let refusal): results.append(.refusal(refusal.status.code, refusal.message))
                }
            }
        }
        return results
    }

    /// Feeds the bytes whole and in small pieces; the results must not differ, and are given once.
    static func feedEveryWay(_ text: String, limits: ParserLimits = ParserLimits()) -> [[Parsed]] {
        let bytes = Array(text.utf8)
        return [[bytes.count], [1], [2], [3], [7]].map { feed(bytes, pieces: $0, limits: limits) }
    }

    /// The head of the first request in `text`.
    static func head(_ text: String) -> RequestHead? {
        var parser = RequestParser()
        let bytes = Array(text.utf8)
        var position = 0
        if case .head(let head) = parser.next(bytes.span, at: &position) { return head }
        return nil
    }
}

/// A small generator with a fixed seed (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var x = state
        x = (x ^ x >> 30) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
        return x ^ x >> 31
    }
}

extension Array<UInt8> {
    /// Changes, removes, repeats or inserts a few bytes.
    mutating func mutate(_ random: inout SeededGenerator, with interesting: [UInt8]) {
        for _ in 0..<Int.random(in: 1...4, using: &random) where !isEmpty {
            let at = Int.random(in: 0..<count, using: &random)
            let length = Swift.min(count - at, Int.random(in: 1...8, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: self[at] = UInt8.random(in: 0...255, using: &random)
            case 1: removeSubrange(at..<(at + length))
            case 2: insert(contentsOf: Array(self[at..<(at + length)]), at: at)
            case 3: insert(interesting.randomElement(using: &random) ?? 0, at: at)
            default: self[at] = interesting.randomElement(using: &random) ?? 0
            }
        }
    }
}
