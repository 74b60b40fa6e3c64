import Glibc
import Platform
import Testing

@Suite(.serialized) struct DescriptorTests {
    @Test func `raises the soft limit to the hard one, once and for all`() throws {
        var before = rlimit()
        try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) == 0)
        let raised = DescriptorLimit.raise()
        var after = rlimit()
        try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &after) == 0)
        #expect(after.rlim_cur == before.rlim_max)
        #expect(raised == Int(min(after.rlim_cur, 1 << 30)))
        #expect(DescriptorLimit.raise() == raised)
    }

    @Test func `closes what it owns when it goes`() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        do {
            let reader = Descriptor(owning: ends[0])
            #expect(reader.number == ends[0])
        }
        // A pipe that nobody reads takes nothing: the last reader has gone.
        signal(SIGPIPE, SIG_IGN)
        #expect(write(ends[1], "x", 1) == -1)
        #expect(errno == EPIPE)
        close(ends[1])
    }
}
