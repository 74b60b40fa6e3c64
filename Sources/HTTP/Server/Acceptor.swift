internal import Platform

/// The listening socket, and what to do when the process has no descriptor left for a new connection.
///
/// Without one, the waiting connection would be reported for ever and the loop would spin. A descriptor in
/// reserve is given up for it, so that it can be closed instead of left hanging; failing that, accepting pauses.
final class Acceptor {
    private let token: UInt64
    private let number: Int32
    private var listener: Socket?
    private var reserve: Descriptor?
    /// Until when no connection is accepted, for want of descriptors or memory.
    private(set) var pausedUntil: ContinuousClock.Instant?

    /// Starts to watch a listening socket.
    init(_ listener: consuming Socket, token: UInt64, epoll: borrowing Epoll) throws(SystemError) {
        try epoll.add(listener.number, .read, token: token)
        self.token = token
        number = listener.number
        self.listener = consume listener
        reserve = Descriptor.spare()
    }

    /// The next waiting connection, or nil when none can be had now.
    func accept(_ epoll: borrowing Epoll, now: ContinuousClock.Instant) -> Socket? {
        do {
            return try listener?.accept()
        } catch {
            // Out of descriptors is also said when no connection waits: the kernel looks for a number first.
            if !error.isOutOfDescriptors || !dropWaiting() { pause(epoll, until: now + .milliseconds(100)) }
            return nil
        }
    }

    /// Accepts again when the pause is over.
    func resume(_ epoll: borrowing Epoll, now: ContinuousClock.Instant) {
        guard let pausedUntil, pausedUntil <= now else { return }
        self.pausedUntil = nil
        if reserve == nil { reserve = Descriptor.spare() }
        watch(epoll, .read)
    }

    /// Stops listening.
    func close() {
        listener = nil
        reserve = nil
        pausedUntil = nil
    }

    /// Closes connections that wait, one at a time, with the descriptor in reserve.
    ///
    /// - Returns: whether none is left waiting; false when there is nothing in reserve, or they come too fast.
    private func dropWaiting() -> Bool {
        guard reserve != nil else { return false }
        reserve = nil
        defer { reserve = Descriptor.spare() }
        for _ in 0..<64 {
            do {
                guard let socket = try listener?.accept() else { return true }
                _ = consume socket // and so close it
            } catch {
                return false // somebody else has taken the number
            }
        }
        return false
    }

    private func pause(_ epoll: borrowing Epoll, until end: ContinuousClock.Instant) {
        pausedUntil = end
        watch(epoll, [])
    }

    private func watch(_ epoll: borrowing Epoll, _ interest: Epoll.Interest) {
        // The descriptor is watched already, so that the kernel needs nothing new.
        try? epoll.modify(number, interest, token: token)
    }
}

/// All listening sockets of a loop.
struct Acceptors {
    /// The token of the first, which those of the others follow: connections never come to have as many.
    static let firstToken = UInt64.max >> 1

    let all: [Acceptor]

    init() { all = [] }

    init(_ listeners: [Listener], epoll: borrowing Epoll) throws(SystemError) {
        var all: [Acceptor] = []
        for listener in listeners {
            guard let socket = listener.take() else {
                preconditionFailure("two servers on \(listener.address)")
            }
            let token = Self.firstToken + UInt64(all.count)
            all.append(try Acceptor(socket, token: token, epoll: epoll))
        }
        self.all = all
    }

    subscript(token: UInt64) -> Acceptor { all[Int(token - Self.firstToken)] }

    /// Until when the first of those is paused that are.
    var pausedUntil: ContinuousClock.Instant? { all.compactMap(\.pausedUntil).min() }

    /// Accepts again where a pause is over.
    func resume(_ epoll: borrowing Epoll, now: ContinuousClock.Instant) {
        for acceptor in all { acceptor.resume(epoll, now: now) }
    }
}
