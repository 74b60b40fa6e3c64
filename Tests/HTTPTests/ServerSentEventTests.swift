import HTTP
import Testing

@Suite struct ServerSentEventTests {
    @Test(arguments: [
        ("one", "data: one\n\n"), ("", "data: \n\n"), ("two\nlines", "data: two\ndata: lines\n\n"),
        ("a\r\nb", "data: a\ndata: b\n\n"), ("a\rb\r", "data: a\ndata: b\ndata: \n\n"),
        ("\n\n", "data: \ndata: \ndata: \n\n"), (" x: é", "data:  x: é\n\n"),
        ("data: forged\n\ndata: y", "data: data: forged\ndata: \ndata: data: y\n\n"),
    ])
    func `writes a field for each line`(data: String, expected: String) {
        #expect(String(decoding: ServerSentEvent(data: data).encoded, as: UTF8.self) == expected)
    }
}
