import Platform
import Testing

struct SHA256Tests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    // Examples of FIPS 180-4; the lengths around a block are from an independent implementation.
    // swift-format-ignore
    static let digests: [(message: [UInt8], digest: String)] = [
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        (Array(repeating: 0x7A, count: 55), "5a383411d906da80612f366cb9b90ae54bcf6e7743b4117ace0884d98cd159ca"),
        (Array(repeating: 0x7A, count: 56), "c66a5b692b9a20229733ef8b87cfec52679c86a0c0245643484c46d4dcd82afa"),
        (Array(repeating: 0x7A, count: 63), "85021e4907c21645631d596eee989bf43c2cd56b074175d5393804dbf1744412"),
        (Array(repeating: 0x7A, count: 64), "72996563049cc84daa2c3f31fd5c3d10770e69d6ebbb8da5b6d76db303dbae43"),
        (Array(repeating: 0x7A, count: 65), "57685f5e43ddac1567f4d404c357c44bab70744b8b6af6009760389170c5c062"),
        (Array(repeating: 0x7A, count: 119), "de05957e72aca438f9b0c770cb2ee7fa0e58e08eb54536478db136d54c097abb"),
        (Array(repeating: 0x7A, count: 120), "46a063da7dc0c878899dfc50adf2558256652c05dd1afc0b1341f7608c7a4776"),
    ]

    @Test(arguments: digests)
    func `gives the published digests`(message: [UInt8], digest: String) {
        #expect(hex(SHA256.digest(message)) == digest)
    }

    @Test func `gives the published digest of a million bytes`() {
        let digest = hex(SHA256.digest(Array(repeating: 0x61, count: 1_000_000)))
        #expect(digest == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `hashes stretches and floats as the bytes that they are`() {
        var hash = SHA256()
        for byte in "ab".utf8 { hash.update([byte].span) }
        hash.update(([1, -2.5] as [Float]).span)
        #expect(hash.finish() == SHA256.digest(Array("ab".utf8) + [0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0]))
    }

    // RFC 4231, §4.2 to §4.4, §4.7 and §4.8.
    // swift-format-ignore
    static let codes: [(key: [UInt8], message: [UInt8], code: String)] = [
        (Array(repeating: 0x0b, count: 20), Array("Hi There".utf8), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (Array(repeating: 0xaa, count: 20), Array(repeating: 0xdd, count: 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (Array(repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        (Array(repeating: 0xaa, count: 131), Array("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.".utf8), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test(arguments: codes)
    func `gives the published codes, and takes no other`(key: [UInt8], message: [UInt8], code: String) {
        let made = HMACSHA256.code(message, key: key)
        #expect(hex(made) == code)
        #expect(HMACSHA256.isValid(made, of: message, key: key))
        for index in made.indices {
            var changed = made
            changed[index] ^= 1
            #expect(!HMACSHA256.isValid(changed, of: message, key: key))
        }
        #expect(!HMACSHA256.isValid(made.dropLast(), of: message, key: key))
        #expect(!HMACSHA256.isValid(made, of: message + [0], key: key))
    }
}
