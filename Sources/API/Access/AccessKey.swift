internal import Platform
internal import Support
internal import Synchronization

/// Somebody who may ask: a name, what tells the key, and what it opens.
///
/// Of the key itself there is nothing but its digest. Keys are 32 random bytes, which nobody finds by trying, so that one round
/// of SHA-256 is enough, as it would not be for passwords that people think of.
package final class AccessKey: Sendable {
    /// The SHA-256 of a key, in words that are compared in a time that does not tell where they differ.
    package struct Digest: Sendable, Equatable {
        private let words: SIMD4<UInt64>

        /// Of a key as it is sent.
        package init(of key: [UInt8]) {
            self.init(bytes: SHA256.digest(key))
        }

        /// Of 64 hexadecimal digits; nil for anything else.
        package init?(hex: Substring) {
            let digits = hex.utf8.map { $0 }
            guard digits.count == 2 * SHA256.digestCount, digits.allSatisfy(\.isHex) else { return nil }
            self.init(
                bytes: stride(from: 0, to: digits.count, by: 2).map { index in
                    UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
                }
            )
        }

        private init(bytes: [UInt8]) {
            var words = SIMD4<UInt64>()
            for (index, byte) in bytes.enumerated() {
                words[index / 8] = words[index / 8] << 8 | UInt64(byte)
            }
            self.words = words
        }

        /// As the file of keys has it.
        package var hex: String {
            (0..<4).map { index in
                let digits = String(words[index], radix: 16)
                return String(repeating: "0", count: 16 - digits.utf8.count) + digits
            }.joined()
        }

        package static func == (left: Digest, right: Digest) -> Bool {
            let difference = left.words ^ right.words
            return difference[0] | difference[1] | difference[2] | difference[3] == 0
        }
    }

    /// Which models: a name in which `*` stands for any letters, or none.
    package struct Pattern: Sendable, Equatable {
        let text: String

        /// Whether a model is meant.
        ///
        /// - Complexity: the product of both lengths at most.
        func matches(_ name: String) -> Bool {
            let (pattern, name) = (Array(text.utf8), Array(name.utf8))
            var (at, position, star, retry) = (0, 0, Int?.none, 0)
            while position < name.count {
                if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                    (star, retry) = (at, position)
                    at += 1
                } else if at < pattern.count, pattern[at] == name[position] {
                    (at, position) = (at + 1, position + 1)
                } else if let star {
                    retry += 1
                    (at, position) = (star + 1, retry)
                } else {
                    return false
                }
            }
            return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
        }
    }

    /// What the file says of a key.
    package struct Definition: Sendable, Equatable {
        package let name: String
        /// More than one while its holders change to a new key.
        package var digests: [Digest] = []
        var scopes: Set<Endpoint.Scope> = [.infer]
        /// nil: all.
        package var models: [Pattern]?
        package var rate: TokenBucket.Rate?
    }

    let definition: Definition
    private let bucket: Mutex<TokenBucket>?

    init(_ definition: Definition, now: ContinuousClock.Instant = .now) {
        self.definition = definition
        bucket = definition.rate.map { Mutex(TokenBucket($0, now: now)) }
    }

    var name: String { definition.name }

    /// Whether it opens the endpoints of a scope; what is for everybody, it does.
    func opens(_ scope: Endpoint.Scope) -> Bool { scope == .probe || definition.scopes.contains(scope) }

    /// Whether it opens a model.
    func opens(model: String) -> Bool {
        definition.models?.contains { $0.matches(model) } ?? true
    }

    /// Counts a request.
    ///
    /// - Returns: how long to wait, where there were too many.
    func take(now: ContinuousClock.Instant) -> Duration? { bucket?.withLock { $0.take(now: now) } }
}
