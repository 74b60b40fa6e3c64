import Platform
import Testing

@Suite struct EpollTests {
    @Test func `reports a waker under its token until it is reset`() throws {
        var epoll = try Epoll()
        let waker = try Waker()
        try epoll.add(waker.number, .read, token: 0xFEDC_BA98_7654_3210)
        #expect(try epoll.wait(timeout: .zero) == 0)
        waker.wake()
        waker.wake()
        try #require(try epoll.wait(timeout: .seconds(10)) == 1)
        #expect(epoll.event(0).token == 0xFEDC_BA98_7654_3210)
        #expect(epoll.event(0).happened.contains(.read))
        waker.reset()
        waker.reset()
        #expect(try epoll.wait(timeout: .zero) == 0)
    }

    @Test func `is woken from another thread`() throws {
        var epoll = try Epoll()
        let waker = try Waker()
        try epoll.add(waker.number, .read, token: 1)
        let thread = try Thread(name: "waker") { waker.wake() }
        #expect(try epoll.wait(timeout: .seconds(30)) == 1)
        thread.join()
    }

    @Test func `changes and ends what it watches for`() throws {
        var epoll = try Epoll()
        let waker = try Waker()
        waker.wake()
        try epoll.add(waker.number, [], token: 1)
        #expect(try epoll.wait(timeout: .zero) == 0)
        try epoll.modify(waker.number, .read, token: 2)
        try #require(try epoll.wait(timeout: .zero) == 1)
        #expect(epoll.event(0).token == 2)
        try epoll.remove(waker.number)
        #expect(try epoll.wait(timeout: .zero) == 0)
        #expect(throws: SystemError.self) { try epoll.modify(waker.number, .read, token: 3) }
    }
}
