import Engine
import Testing

@Suite struct SafetensorsMalformedTests {
    /// A file and a part of the message that it must be refused with.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let message: String

        init(_ name: String, _ header: String, data: Int = 0, length: UInt64? = nil, _ message: String) {
            testDescription = name
            bytes = safetensorsBytes(header, data: [UInt8](repeating: 0, count: data), length: length)
            self.message = message
        }

        init(_ name: String, bytes: [UInt8], _ message: String) {
            testDescription = name
            self.bytes = bytes
            self.message = message
        }
    }

    static func entry(_ dtype: String = "F32", _ shape: String = "[1]", _ offsets: String = "[0,4]") -> String
    {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    // swift-format-ignore
    static let rows: [Row] = [
        Row("an empty file",               bytes: [],                                    "0 bytes, but 8 are needed"),
        Row("seven bytes",                 bytes: [1, 2, 3, 4, 5, 6, 7],                 "7 bytes, but 8 are needed"),
        Row("a header past the end",       "{}", length: 3,                              "the header claims 3 bytes, at most 2 are possible"),
        Row("a header of 8 EiB",           "{}", length: 1 << 63,                        "the header claims 9223372036854775808 bytes"),
        Row("the longest header",          "{}", length: .max,                           "the header claims 18446744073709551615 bytes"),
        Row("no header",                   "", length: 0,                                "expected '{' at byte 0"),
        Row("an array",                    "[]",                                         "expected '{' at byte 0"),
        Row("white space first",           " {}",                                        "expected '{' at byte 0"),
        Row("an open object",              "{",                                          "expected a name in quotes at byte 1"),
        Row("a trailing comma",            "{\"a\":\(entry()),}", data: 4,               "expected a name in quotes"),
        Row("text behind the object",      "{} x",                                       "expected the end of the text at byte 3"),
        Row("a string without end",        "{\"abc",                                     "expected the end of the string"),
        Row("a control character",         "{\"a\nb\":1}",                               "expected no control character"),
        Row("an unknown escape",           #"{"\x":1}"#,                                 "expected one of"),
        Row("half a surrogate pair",       #"{"\ud83d":1}"#,                             "expected a surrogate pair"),
        Row("a low surrogate alone",       #"{"\ude00":1}"#,                             "expected a surrogate pair"),
        Row("two high surrogates",         #"{"\ud83d\ud83d":1}"#,                       "expected a surrogate pair"),
        Row("a broken escape",             #"{"\u12g4":1}"#,                             "expected four hexadecimal digits"),
        Row("a number as an entry",        #"{"a":1}"#,                                  "expected '{' at byte 5"),
        Row("an entry inside an entry",    #"{"a":{"dtype":{"dtype":1}}}"#,              "expected a string"),
        Row("deep nesting",                "{\"a\":" + String(repeating: "[", count: 100_000), "expected '{' at byte 5"),
        Row("a nested shape",              "{\"a\":\(entry("F32", "[[1]]"))}", data: 4,  "expected a whole number"),
        Row("a negative dimension",        "{\"a\":\(entry("F32", "[-1]"))}", data: 4,   "expected a whole number"),
        Row("a fraction",                  "{\"a\":\(entry("F32", "[1.0]"))}", data: 4,  "expected ',' or ']'"),
        Row("a leading zero",              "{\"a\":\(entry("F32", "[01]"))}", data: 4,   "expected a whole number"),
        Row("a dimension of 2^63",         "{\"a\":\(entry("F32", "[9223372036854775808]"))}", data: 4, "expected a number below 2^63"),
        Row("seventeen dimensions",        "{\"a\":\(entry("F32", "[\([String](repeating: "1", count: 17).joined(separator: ","))]"))}", data: 4, "expected at most 16 numbers"),
        Row("a size that overflows",       "{\"a\":\(entry("F32", "[4611686018427387904,4]", "[0,0]"))}", "which is not 0 bytes"),
        Row("bytes that overflow",         "{\"a\":\(entry("F32", "[4611686018427387904]", "[0,0]"))}", "which is not 0 bytes"),
        Row("a size unlike the shape",     "{\"a\":\(entry("F32", "[2]"))}", data: 4,    "tensor 'a' is F32 2, which is not 4 bytes"),
        Row("an unknown dtype",            "{\"a\":\(entry("Q4"))}", data: 4,            "tensor 'a' has the unknown dtype 'Q4'"),
        Row("an unknown key",              #"{"a":{"type":"F32"}}"#,                     "tensor 'a' has the key 'type'"),
        Row("a missing key",               #"{"a":{"dtype":"F32","shape":[1]}}"#,        "tensor 'a' lacks one of dtype, shape and data_offsets"),
        Row("a name that comes twice",     "{\"a\":\(entry()),\"a\":\(entry("F32", "[1]", "[4,8]"))}", data: 8, "expected a name other than 'a'"),
        Row("a key that comes twice",      #"{"a":{"dtype":"F32","dtype":"F32"}}"#,      "expected a name other than 'dtype'"),
        Row("one offset",                  "{\"a\":\(entry("F32", "[1]", "[0]"))}", data: 4, "tensor 'a' has the data_offsets [0]"),
        Row("three offsets",               "{\"a\":\(entry("F32", "[1]", "[0,4,8]"))}", data: 4, "expected at most 2 numbers"),
        Row("offsets the wrong way round", "{\"a\":\(entry("F32", "[1]", "[4,0]"))}", data: 4, "tensor 'a' has the data_offsets [4, 0]"),
        Row("an offset past the end",      "{\"a\":\(entry("F32", "[2]", "[0,8]"))}", data: 4, "has the data_offsets [0, 8], but the file has 4 bytes of data"),
        Row("two tensors in one place",    "{\"a\":\(entry()),\"b\":\(entry())}", data: 4, "tensor 'b' overlaps another: it starts at byte 0, expected 4"),
        Row("a gap between tensors",       "{\"a\":\(entry()),\"b\":\(entry("F32", "[1]", "[8,12]"))}", data: 12, "tensor 'b' leaves a gap before it"),
        Row("data that nobody owns",       "{\"a\":\(entry())}", data: 8,                "its tensors take 4 bytes, but 8 follow the header"),
        Row("metadata that is no text",    #"{"__metadata__":{"a":1}}"#,                 "expected a string"),
        Row("bytes that are not UTF-8",    bytes: [6, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D], "expected a string in UTF-8"),
    ]

    @Test(arguments: rows)
    func `refuses`(_ row: Row) throws {
        try withTemporaryFile(row.bytes) { path in
            let error = #expect(throws: TensorFileError.self) { try Safetensors(path: path) }
            let text = error?.description ?? ""
            #expect(text.contains(row.message), "\(text)")
            #expect(text.hasSuffix("(\(path))"))
        }
    }

    @Test func `keeps a hostile name short and on one line`() throws {
        let name = String(repeating: "n", count: 5000) + "\\n"
        try withTemporaryFile(safetensorsBytes("{\"\(name)\":{\"dtype\":\"?\"}}")) { path in
            let error = #expect(throws: TensorFileError.self) { try Safetensors(path: path) }
            let text = error?.description ?? ""
            #expect(text.count < 400 && !text.contains("\n"), "\(text.count) characters")
        }
    }

    @Test func `survives 10 000 mutations of a good file`() throws {
        let seed: UInt64 = 20_240_607
        var random = SplitMix(state: seed)
        let header =
            #"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
            + #""a.bias":{"dtype":"F16","shape":[3],"data_offsets":[24,30]},"#
            + #""\u006e":{"dtype":"BF16","shape":[1],"data_offsets":[30,32]}}"#
        let good = safetensorsBytes(header, data: [UInt8](0..<32))
        var accepted = 0
        for round in 0..<10_000 {
            let bytes = mutate(good, &random)
            try withTemporaryFile(bytes) { path in
                guard let file = try? Safetensors(path: path) else { return } // a refusal is fine
                accepted += 1
                for (name, shape) in file.shapes {
                    // A type that cannot be read is fine; a count unlike the shape is not.
                    guard let tensor = try? file.tensor(name) else { continue }
                    #expect(tensor.values.count == shape.elementCount, "seed \(seed), round \(round)")
                }
            }
        }
        #expect(accepted > 0 && accepted < 10_000, "seed \(seed): \(accepted) of 10000 accepted")
    }

    private func mutate(_ good: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = good
        for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.remove(at: place)
            case 3:
                bytes.insert(Array("0123456789[]{},:\"\\".utf8).randomElement(using: &random) ?? 0, at: place)
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }
}

/// A seeded source of random numbers.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
