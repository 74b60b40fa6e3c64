import Glibc
import Platform
import Testing

@Suite struct SignalsTests {
    @Test func `waits for a signal, which then does nothing else`() {
        let signals = Signals([SIGUSR1, SIGUSR2])
        #expect(signals.wait(timeout: .zero) == nil)
        pthread_kill(pthread_self(), SIGUSR2)
        #expect(signals.wait() == SIGUSR2)
        pthread_kill(pthread_self(), SIGUSR1)
        #expect(signals.wait(timeout: .seconds(10)) == SIGUSR1)
        #expect(signals.wait(timeout: .zero) == nil)
    }

    @Test func `makes a write to a closed pipe an error instead of the end`() {
        _ = Signals([SIGUSR1])
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        #expect(write(ends[1], "x", 1) == -1)
        #expect(errno == EPIPE)
        close(ends[1])
    }
}
