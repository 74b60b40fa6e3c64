internal import CLinux
import Glibc

/// Wakes a thread that waits in `Epoll` (an `eventfd`); any thread may call `wake`.
package final class Waker: Sendable {
    private let descriptor: Descriptor

    /// - Throws: `SystemError` when the process has no descriptor left.
    package init() throws(SystemError) {
        let number = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard number >= 0 else { throw SystemError("eventfd") }
        descriptor = Descriptor(owning: number)
    }

    /// The descriptor's number, for `Epoll`: readable between a `wake` and the next `reset`.
    package var number: Int32 { descriptor.number }

    /// Makes the descriptor readable.
    package func wake() {
        // The one failure is a counter about to overflow, and then the descriptor is readable already.
        eventfd_write(number, 1)
    }

    /// Makes the descriptor unreadable until the next `wake`.
    package func reset() {
        var count: eventfd_t = 0
        // Fails when it was not readable, which is what is wanted.
        unsafe eventfd_read(number, &count)
    }
}
