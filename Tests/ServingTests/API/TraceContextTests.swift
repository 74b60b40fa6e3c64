import API
import HTTP
import Support
import Testing

struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "b7ad6b7169203331"

    @Test func `takes a trace over, with a span of its own`() throws {
        let context = try #require(TraceContext(parent: "00-\(Self.trace)-\(Self.parent)-01", span: 0xAB))
        #expect(context.traceID == Self.trace)
        #expect(context.parentID == Self.parent)
        #expect(context.spanID == "00000000000000ab")
        #expect(context.flags == "01")
        #expect(context.response == "00-\(Self.trace)-00000000000000ab-01")
    }

    @Test func `spans differ`() throws {
        let text = "00-\(Self.trace)-\(Self.parent)-01"
        let first = try #require(TraceContext(parent: text))
        let second = try #require(TraceContext(parent: text))
        #expect(first.traceID == second.traceID && first.spanID != second.spanID)
    }

    @Test(arguments: [
        ("00-\(trace)-\(parent)-00", "00"), ("00-\(trace)-\(parent)-03", "03"),
        ("00-\(trace)-\(parent)-ff", "03"), ("01-\(trace)-\(parent)-01", "01"),
        ("cc-\(trace)-\(parent)-01-what-the-future-will-be-like", "01"),
    ])
    func `knows the flags of Level 2, and later versions by what they begin with`(text: String, flags: String)
    {
        #expect(TraceContext(parent: text)?.flags == flags)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-", "00-\(trace)-\(parent)-1",
        "00-\(trace)-\(parent)-01-", "00-\(trace)-\(parent)-01-more", "00-\(trace)-\(parent)-01 ",
        "01-\(trace)-\(parent)-01.more", "ff-\(trace)-\(parent)-01", "0x-\(trace)-\(parent)-01",
        "00-00000000000000000000000000000000-\(parent)-01", "00-\(trace)-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-\(parent)-01", "00-\(trace)-B7AD6B7169203331-01",
        "00_\(trace)-\(parent)-01", "00-\(trace)_\(parent)-01", "00-\(trace)-\(parent)-0é",
        "00-\(trace)-\(parent)-0g", "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
    ])
    func `ignores what is no valid parent`(text: String) {
        #expect(TraceContext(parent: text) == nil)
    }
}
