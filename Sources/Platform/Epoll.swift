internal import CLinux
import Glibc

/// Waits for many descriptors at once (`epoll`, level-triggered).
///
/// Each descriptor is watched under a token of the caller's, which comes back with its events.
@safe // the events are plain numbers; nothing is reached through them
package struct Epoll: ~Copyable {
    /// What a descriptor is watched for, and what has happened on it.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// There is something to read, or the stream has ended.
        package static let read = Interest(rawValue: UInt32(EPOLLIN.rawValue))
        /// There is room to write.
        package static let write = Interest(rawValue: UInt32(EPOLLOUT.rawValue))
        /// Both directions are closed, or the connection failed; always reported.
        package static let hangup = Interest(
            rawValue: UInt32(EPOLLHUP.rawValue) | UInt32(EPOLLERR.rawValue)
        )
    }

    private let descriptor: Descriptor
    private var events: [epoll_event]

    /// - Parameter capacity: how many events one wait reports at most; more wait for the next call.
    /// - Throws: `SystemError` when the process has no descriptor left.
    package init(capacity: Int = 256) throws(SystemError) {
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard number >= 0 else { throw SystemError("epoll_create1") }
        descriptor = Descriptor(owning: number)
        unsafe events = [epoll_event](repeating: epoll_event(), count: capacity)
    }

    /// Starts to watch a descriptor.
    ///
    /// - Throws: `SystemError`, such as `ENOSPC` when the user watches too many.
    package func add(_ number: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_ADD, number, interest, token)
    }

    /// Changes what a watched descriptor is watched for.
    package func modify(_ number: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_MOD, number, interest, token)
    }

    /// Stops watching a descriptor; closing it does the same.
    package func remove(_ number: Int32) throws(SystemError) {
        try control(EPOLL_CTL_DEL, number, [], 0)
    }

    private func control(
        _ operation: Int32,
        _ number: Int32,
        _ interest: Interest,
        _ token: UInt64
    ) throws(SystemError) {
        var event = unsafe epoll_event()
        unsafe event.events = interest.rawValue
        unsafe event.data.u64 = token
        guard unsafe epoll_ctl(descriptor.number, operation, number, &event) == 0 else {
            throw SystemError("epoll_ctl descriptor \(number)")
        }
    }

    /// Waits for the next events.
    ///
    /// - Parameter timeout: how long to wait at most, rounded up to a millisecond; nil waits for ever.
    /// - Returns: how many events there are; read them with `event(_:)`. 0 when the time is over.
    /// - Throws: `SystemError` on a programming error only.
    package mutating func wait(timeout: Duration?) throws(SystemError) -> Int {
        let count = unsafe events.withUnsafeMutableBufferPointer {
            unsafe epoll_wait(descriptor.number, $0.baseAddress, Int32($0.count), Self.milliseconds(timeout))
        }
        if count >= 0 { return Int(count) }
        guard errno == EINTR else { throw SystemError("epoll_wait") }
        return 0
    }

    /// One of the events that the last `wait` found.
    package func event(_ index: Int) -> (token: UInt64, happened: Interest) {
        let event = unsafe events[index]
        return unsafe (event.data.u64, Interest(rawValue: event.events))
    }

    private static func milliseconds(_ timeout: Duration?) -> Int32 {
        guard let timeout else { return -1 }
        guard timeout > .zero else { return 0 }
        let (seconds, attoseconds) = timeout.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
