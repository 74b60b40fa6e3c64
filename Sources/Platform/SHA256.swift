/// The secure hash SHA-256 of bytes that come one stretch after another.
///
/// - Source: NIST FIPS 180-4, §6.2.
package struct SHA256: Sendable {
    /// How many bytes a digest has.
    package static let digestCount = 32
    static let blockCount = 64

    private var state: [UInt32] = [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ]
    private var block: [UInt8] = []
    private var count: UInt64 = 0

    package init() {
        block.reserveCapacity(Self.blockCount)
    }

    /// The digest of some bytes.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes.span)
        return hash.finish()
    }

    /// Adds bytes.
    package mutating func update(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count, !block.isEmpty {
            append(bytes[index])
            index += 1
        }
        // What is a whole block is read where it lies.
        while index + Self.blockCount <= bytes.count {
            compress(bytes.extracting(index..<(index + Self.blockCount)))
            count &+= UInt64(Self.blockCount)
            index += Self.blockCount
        }
        while index < bytes.count {
            append(bytes[index])
            index += 1
        }
    }

    /// Adds numbers as their bits, the lowest byte first.
    package mutating func update(_ numbers: Span<Float>) {
        for index in numbers.indices {
            let bits = numbers[index].bitPattern
            append(UInt8(truncatingIfNeeded: bits))
            append(UInt8(truncatingIfNeeded: bits >> 8))
            append(UInt8(truncatingIfNeeded: bits >> 16))
            append(UInt8(truncatingIfNeeded: bits >> 24))
        }
    }

    /// The digest of all that was added.
    package consuming func finish() -> [UInt8] {
        let bits = count &* 8
        append(0x80)
        while block.count != Self.blockCount - 8 { append(0) }
        for shift in stride(from: 56, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: bits >> shift)) }
        return state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    private mutating func append(_ byte: UInt8) {
        block.append(byte)
        count &+= 1
        guard block.count == Self.blockCount else { return }
        var full: [UInt8] = []
        swap(&full, &block)
        compress(full.span)
        full.removeAll(keepingCapacity: true)
        swap(&full, &block)
    }

    /// - Precondition: there are 64 bytes.
    /// - Source: FIPS 180-4, §6.2.2; the names are its.
    private mutating func compress(_ block: Span<UInt8>) {
        precondition(block.count == Self.blockCount, "\(block.count) bytes")
        var schedule = [64 of UInt32](repeating: 0)
        for t in 0..<16 {
            let (high, low) = (UInt32(block[4 * t]) << 8 | UInt32(block[4 * t + 1]), 4 * t + 2)
            schedule[t] = high << 16 | UInt32(block[low]) << 8 | UInt32(block[low + 1])
        }
        for t in 16..<64 {
            let (x, y) = (schedule[t - 15], schedule[t - 2])
            let s0 = x.rotated(7) ^ x.rotated(18) ^ x >> 3
            let s1 = y.rotated(17) ^ y.rotated(19) ^ y >> 10
            schedule[t] = schedule[t - 16] &+ s0 &+ schedule[t - 7] &+ s1
        }
        let constants = Self.constants
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for t in 0..<64 {
            let sum1 = e.rotated(6) ^ e.rotated(11) ^ e.rotated(25)
            let choice = (e & f) ^ (~e & g)
            let t1 = h &+ sum1 &+ choice &+ constants[t] &+ schedule[t]
            let sum0 = a.rotated(2) ^ a.rotated(13) ^ a.rotated(22)
            let majority = (a & b) ^ (a & c) ^ (b & c)
            (h, g, f, e) = (g, f, e, d &+ t1)
            (d, c, b, a) = (c, b, a, t1 &+ sum0 &+ majority)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }

    // swift-format-ignore
    private static let constants: [UInt32] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ]
}

/// The keyed hash HMAC-SHA-256: who does not know the key can neither make nor check one.
///
/// - Source: RFC 2104, §2.
package enum HMACSHA256 {
    /// The code of a message under a key.
    package static func code(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var key = key.count > SHA256.blockCount ? SHA256.digest(key) : key
        key += Array(repeating: 0, count: SHA256.blockCount - key.count)
        let inner = SHA256.digest(key.map { $0 ^ 0x36 } + message)
        return SHA256.digest(key.map { $0 ^ 0x5c } + inner)
    }

    /// Whether a code is the message's, found out in a time that does not tell where it differs.
    package static func isValid(_ code: some Collection<UInt8>, of message: [UInt8], key: [UInt8]) -> Bool {
        let expected = self.code(message, key: key)
        guard code.count == expected.count else { return false }
        return zip(code, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension UInt32 {
    fileprivate func rotated(_ bits: UInt32) -> UInt32 { self &>> bits | self &<< (32 - bits) }
}
