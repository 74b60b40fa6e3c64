internal import Platform

/// A client's socket with the state of its protocol; belongs to one event loop.
final class Connection {
    let socket: Socket
    let token: UInt64
    var state: ConnectionState
    /// What the loop watches the socket for.
    var interest: Epoll.Interest = .read
    /// When the loop will look whether it is late, unless it is told an earlier time.
    var scheduled: ContinuousClock.Instant?
    /// How many loops had no room for it.
    var refusals = 0
    /// Whether it is beyond the limit, and only told so.
    var isExcess = false
    private var isShutDown = false

    init(_ socket: consuming Socket, token: UInt64, state: consuming ConnectionState) {
        self.socket = socket
        self.token = token
        self.state = state
    }

    /// What the socket has to be watched for now.
    var wantedInterest: Epoll.Interest {
        var interest: Epoll.Interest = []
        if state.wantsRead { interest.insert(.read) }
        if state.wantsWrite { interest.insert(.write) }
        return interest
    }

    /// Reads once and hands the bytes to the protocol.
    func receive(_ buffer: inout [UInt8], at moment: Moment) {
        do {
            var span = buffer.mutableSpan
            guard let count = try socket.receive(into: &span) else { return }
            if count == 0 {
                state.receiveEnd(at: moment)
            } else {
                state.receive(buffer.span.extracting(..<count), at: moment)
            }
        } catch {
            state.close(at: moment) // reset: the client has gone
        }
    }

    /// Writes what waits, as far as the client takes it.
    func send(at moment: Moment) {
        do {
            while state.wantsWrite {
                let bytes = state.outbound.first
                guard let count = try socket.send(bytes.span.extracting(state.outbound.firstOffset...)) else {
                    break
                }
                state.sent(count, at: moment)
            }
        } catch {
            state.close(at: moment) // reset: the client has gone
        }
        if state.phase == .lingering, !isShutDown {
            isShutDown = true
            socket.shutdownWriting()
        }
    }
}
