import Engine
import Tasks
import Testing

struct TextAssemblerTests {
    /// What comes out after each piece that goes in, and at the end.
    private func pieces(_ stops: [String], _ input: [[UInt8]]) -> (pieces: [String], isStopped: Bool) {
        var assembler = TextAssembler(stops: stops)
        var pieces = input.map { assembler.append($0) }
        if !assembler.isStopped { pieces.append(assembler.finish()) }
        return (pieces, assembler.isStopped)
    }

    private func pieces(_ stops: [String], _ input: String...) -> (pieces: [String], isStopped: Bool) {
        pieces(stops, input.map { Array($0.utf8) })
    }

    @Test func `holds back what may become a stop string`() {
        #expect(pieces(["\n\n"], "a", "\n", "b", "\n", "\n", "c") == (["a", "", "\nb", "", "", ""], true))
        #expect(pieces(["stop"], "x", "st", "ay", "sto") == (["x", "", "stay", "", "sto"], false))
        #expect(pieces(["aab"], "a", "a", "a", "b") == (["", "", "a", ""], true))
    }

    @Test func `ends at the first of several stop strings, within a piece or across`() {
        #expect(pieces(["b", "abc"], "xabc") == (["xa"], true))
        #expect(pieces(["abc", "b"], "x", "ab") == (["x", "a"], true))
        #expect(pieces(["END", "é"], "on", "é", "x") == (["on", "", ""], true))
    }

    @Test func `gives out whole characters only`() {
        let bytes = Array("aé€😀".utf8).map { [$0] }
        let out = pieces([], bytes).pieces
        #expect(out == ["a", "", "é", "", "", "€", "", "", "", "😀", ""])
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xE2, 0x82],
            [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1], [0x80], [0xC3, 0xC3, 0xA9], [0xF5, 0x80],
        ] as [[UInt8]]
    )
    func `makes of what is not UTF-8 the same as decoding at once`(bytes: [UInt8]) {
        #expect(pieces([], bytes.map { [$0] }).pieces.joined() == String(decoding: bytes, as: UTF8.self))
    }

    @Test func `random bytes in random pieces are the same text as the bytes at once, up to the stop`() {
        var random = SplitMix64(seed: 3)
        let alphabet: [UInt8] = [
            0x61, 0x62, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80, 0xED, 0xFF,
        ]
        let stops = [["ab"], ["é", "b\u{20AC}"], ["aa", "a"], ["baab", "aa", "b😀"]]
        for round in 0..<10_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            var input: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...3, using: &random)
                input.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let stop = stops[round % stops.count]
            let (out, isStopped) = pieces(stop, input)
            let whole = stop.compactMap { bytes.firstRange(of: Array($0.utf8)) }.min {
                ($0.upperBound, $0.lowerBound) < ($1.upperBound, $1.lowerBound)
            }
            let expected = String(decoding: bytes[..<(whole?.lowerBound ?? bytes.count)], as: UTF8.self)
            guard out.joined() == expected, isStopped == (whole != nil) else {
                Issue.record("seed 3, round \(round): \(input) gave \(out), expected '\(expected)'")
                return
            }
        }
    }
}
