import Platform
import Testing

@Suite struct BytesTests {
    @Test(arguments: [("a,b,c", 0, 1), ("a,b,c", 2, 3), ("a,b,c", 4, nil), ("a,b,c", 5, nil), ("", 0, nil)])
    func `finds a byte from a place on`(text: String, start: Int, expected: Int?) {
        let bytes = Array(text.utf8)
        let found = bytes.span.firstIndex(of: UInt8(ascii: ","), from: start)
        #expect(found == expected)
    }

    @Test(arguments: [("abd", 0, 3), ("abc", 0, 0), ("abc", 1, nil), ("abde", 0, nil)])
    func `finds a pattern, also at the very end`(pattern: String, start: Int, expected: Int?) {
        let (bytes, needle) = (Array("abcabd".utf8), Array(pattern.utf8))
        let found = bytes.span.firstIndex(of: needle.span, from: start)
        #expect(found == expected)
    }

    @Test(arguments: [("chunked", true), ("chunke", false), ("chunkeD", false), ("", false)])
    func `compares with a literal`(text: String, expected: Bool) {
        let bytes = Array(text.utf8)
        let isEqual = bytes.span.equals("chunked")
        #expect(isEqual == expected)
    }

    @Test func `tells UTF-8 from other bytes`() {
        let (good, bad): ([UInt8], [UInt8]) = (Array("né".utf8), [0x61, 0xFF])
        let accented = String(validating: good.span)
        let broken = String(validating: bad.span)
        let repaired = String(decoding: bad.span)
        #expect(accented == "né")
        #expect(broken == nil)
        #expect(repaired == "a\u{FFFD}")
    }
}
