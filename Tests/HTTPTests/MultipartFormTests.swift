import HTTP
import Testing

@Suite struct MultipartFormTests {
    static let type = "multipart/form-data; boundary=xyz"
    static let disposition = "Content-Disposition: form-data; name=\"a\"\r\n"

    private func parts(_ body: String, type: String = type) throws(MultipartError) -> [MultipartForm.Part] {
        try MultipartForm(contentType: type, body: Array(body.utf8)).parts
    }

    @Test func `splits fields and files`() throws {
        let parts = try parts(
            "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"top_k\"\r\n\r\n3\r\n--xyz \t\r\n"
                + "content-disposition: Form-Data; name=image; filename=\"my \\\"cat\\\".png\"\r\n"
                + "Content-Type: image/png\r\n\r\nline\r\n\r\n-- xyz\r\n--xyz--\r\nepilogue"
        )
        #expect(parts.map(\.name) == ["top_k", "image"])
        #expect(parts.map(\.filename) == [nil, "my \"cat\".png"])
        #expect(parts.map(\.contentType) == [nil, "image/png"])
        #expect(parts.map { String(decoding: $0.body, as: UTF8.self) } == ["3", "line\r\n\r\n-- xyz"])
    }

    @Test(arguments: [
        "multipart/form-data;boundary=\"x y'z\"", "Multipart/Form-Data ; charset=utf-8 ; BOUNDARY=\"x y'z\";",
    ])
    func `takes the boundary however it is written`(type: String) throws {
        let parts = try parts("--x y'z\r\n\(Self.disposition)\r\nv\r\n--x y'z--", type: type)
        #expect(parts.map { Array($0.body) } == [Array("v".utf8)])
    }

    @Test func `takes empty parts and no parts`() throws {
        #expect(try parts("--xyz\r\n\(Self.disposition)\r\n\r\n--xyz--").map(\.body.count) == [0])
        #expect(try parts("--xyz\r\n\(Self.disposition)\r\n--xyz--").map(\.body.count) == [0])
        #expect(try parts("--xyz--\r\n").isEmpty)
    }

    @Test func `takes up to 64 parts`() throws {
        let part = "--xyz\r\n\(Self.disposition)\r\nv\r\n"
        #expect(try parts(String(repeating: part, count: 64) + "--xyz--").count == 64)
        #expect(throws: MultipartError.tooManyParts(limit: 64)) {
            try parts(String(repeating: part, count: 65) + "--xyz--")
        }
    }

    // swift-format-ignore
    static let malformed: [(String, String, MultipartError)] = [
        ("image/png", "", .notMultipart("image/png")),
        ("multipart/mixed; boundary=a", "", .notMultipart("multipart/mixed; boundary=a")),
        ("multipart/form-data; boundary=a; boundary=b", "", .notMultipart("multipart/form-data; boundary=a; boundary=b")),
        ("", "", .notMultipart("")),
        ("multipart/form-data", "", .missingBoundary),
        ("multipart/form-data; boundary=\"\"", "", .invalidBoundary),
        ("multipart/form-data; boundary=\"a@b\"", "", .invalidBoundary),
        ("multipart/form-data; boundary=" + String(repeating: "a", count: 71), "", .invalidBoundary),
        (type, "", .noParts), (type, "nothing", .noParts), (type, "a--xyz\r\n", .noParts), (type, "\n--xyz\r\n", .noParts),
        (type, "--xyz", .truncated(part: 1)), (type, "--xyz\r\n", .truncated(part: 1)),
        (type, "--xyz\r\n\(disposition)\r\nv", .truncated(part: 1)),
        (type, "--xyz\r\n\(disposition)\r\nv\r\n--xyz\r\n", .truncated(part: 2)),
        (type, "--xyz\r\n\(disposition)\r\nv\r\n--xyz-", .truncated(part: 2)),
        (type, "--xyzz\r\n", .malformedDelimiter(part: 1)), (type, "--xyz\n\(disposition)", .malformedDelimiter(part: 1)),
        (type, "--xyz\r\nno colon\r\n\r\n\r\n--xyz--", .malformedHeader(part: 1, "a header line has no colon")),
        (type, "--xyz\r\nA: b\n\r\n\r\n--xyz--", .malformedHeader(part: 1, "a line ends in LF without CR")),
        (type, "--xyz\r\n\n\r\n--xyz--", .malformedHeader(part: 1, "a line ends in LF without CR")),
        (type, "--xyz\r\nA: \(String(repeating: "b", count: 9000))\r\n\r\n\r\n--xyz--", .headerTooLarge(part: 1, limit: 8192)),
        (type, "--xyz\r\nA: \(String(repeating: "b", count: 9000))", .headerTooLarge(part: 1, limit: 8192)),
        (type, "--xyz\r\n\r\nv\r\n--xyz--", .notFormData(part: 1)),
        (type, "--xyz\r\nContent-Disposition: attachment\r\n\r\nv\r\n--xyz--", .notFormData(part: 1)),
        (type, "--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\nv\r\n--xyz--",
         .malformedDisposition(part: 1, "the value of 'name' has no closing quote")),
        (type, "--xyz\r\n\(disposition)Content-Type: multipart/mixed; boundary=b\r\n\r\nv\r\n--xyz--", .nested(part: 1)),
        (type, "--xyz\r\n\(disposition)Content-Transfer-Encoding: base64\r\n\r\nv\r\n--xyz--",
         .transferEncoding(part: 1, "base64")),
    ]

    @Test(arguments: malformed)
    func `refuses`(type: String, body: String, expected: MultipartError) {
        let error = #expect(throws: MultipartError.self) { try parts(body, type: type) }
        #expect(error == expected)
        #expect(error?.description.isEmpty == false)
    }

    static let quotes =
        #": a value with more than letters and digits has to stand in double quotes, and a quote within them as \""#

    // swift-format-ignore
    @Test(arguments: [
        ("filename=a b.jpg", "the value of 'filename' is followed by 'b.jpg'\(quotes)"),
        ("filename=a\".jpg", "the value of 'filename' is followed by '\".jpg'\(quotes)"),
        ("filename=\"a\"b\".jpg\"", "the value of 'filename' is followed by 'b\".jpg\"'\(quotes)"),
        ("filename=\"a.jpg", "the value of 'filename' has no closing quote"),
        ("filename=(1).jpg", "'filename' has no value"),
        ("filename", "expected a name and '=' at 'filename'"),
        ("filename=a.jpg; filename=b.jpg", "'filename' is given twice"),
    ])
    func `says what is wrong with a file name`(filename: String, reason: String) {
        let error = #expect(throws: MultipartError.self) {
            try parts("--xyz\r\nContent-Disposition: form-data; name=a; \(filename)\r\n\r\nv\r\n--xyz--")
        }
        #expect(error == .malformedDisposition(part: 1, reason))
        #expect(error?.description == "the Content-Disposition of part 1: \(reason)")
    }

    @Test func `a file name in another character set makes a file too`() throws {
        let parts = try parts(
            "--xyz\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''%e2%82%ac.jpg\r\n\r\nv\r\n--xyz--"
        )
        #expect(parts[0].filename != nil)
    }

    @Test func `never traps on mutated bodies`() {
        var random = SeededGenerator(state: 7578)
        let good =
            "p\r\n--xyz\r\n\(Self.disposition)\r\n3\r\n--xyz\r\n\(Self.disposition)Content-Type: a/b\r\n\r\n\r\n--xyz--e"
        var accepted = 0
        for _ in 0..<10_000 {
            var body = Array(good.utf8)
            body.mutate(&random, with: Array("\r\n-xyz:;\"\\=".utf8))
            var type = Array(Self.type.utf8)
            if Bool.random(using: &random) { type.mutate(&random, with: Array("\";=\\ ,".utf8)) }
            do {
                let form = try MultipartForm(contentType: String(decoding: type, as: UTF8.self), body: body)
                accepted += 1
                for part in form.parts { #expect(part.body.endIndex <= body.count) }
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect((1..<10_000).contains(accepted))
    }
}
