import Platform
import Testing

@Suite struct FingerprintTests {
    private func text(_ count: Int) -> String {
        String((0..<count).map { Character(UnicodeScalar(97 + UInt8($0 % 23))) })
    }

    @Test func `every byte counts, at every length around whole words`() {
        for count in [1, 7, 8, 31, 32, 33, 64, 95] {
            let original = Fingerprint.of(text(count))
            #expect(Fingerprint.of(text(count)) == original)
            for index in 0..<count {
                var bytes = Array(text(count).utf8)
                bytes[index] ^= 1
                #expect(
                    Fingerprint.of(String(decoding: bytes, as: UTF8.self)) != original,
                    "byte \(index) of \(count)"
                )
            }
        }
    }

    @Test func `lengths and orders differ`() {
        let texts =
            (0..<100).map(text) + [
                "\0", "\0\0", "abcdefghijklmnopqrstuvwxyzabcdef", "ijklmnopabcdefghqrstuvwxyzabcdef",
            ]
        #expect(Set(texts.map(Fingerprint.of)).count == Set(texts).count)
    }
}
