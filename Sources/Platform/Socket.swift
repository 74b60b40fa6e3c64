internal import CLinux
import Glibc

/// A TCP or UNIX socket that never blocks and is closed when its owner lets go of it.
package struct Socket: ~Copyable, Sendable {
    private let descriptor: Descriptor
    /// The file that clients find it by, which goes with it.
    private let file: SocketFile?

    private init(_ descriptor: consuming Descriptor, file: SocketFile? = nil) {
        self.descriptor = descriptor
        self.file = file
    }

    /// The descriptor's number, for `Epoll`.
    package var number: Int32 { descriptor.number }

    /// Opens a listening socket on the first address of `host` that can be bound.
    ///
    /// - Parameters:
    ///   - host: an address or a name; `0.0.0.0` and `::` mean every interface.
    ///   - port: 0 lets the system choose; see `localPort`.
    ///   - backlog: how many established connections may wait to be accepted.
    /// - Returns: the socket, whose waiting connections `accept` takes.
    /// - Throws: `SystemError` such as `listen 0.0.0.0:8080: address already in use (EADDRINUSE)`.
    package static func listen(host: String, port: Int, backlog: Int32 = 1024) throws(SystemError) -> Socket {
        let isBareIPv6 = host.contains(":") && !host.hasPrefix("[")
        let action = "listen \(isBareIPv6 ? "[\(host)]" : host):\(port)"
        var failure = SystemError(action, code: EADDRNOTAVAIL)
        for address in try SocketAddress.resolve(host: host, port: port, for: action) {
            do {
                return try listen(address, backlog: backlog, action: action)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func listen(
        _ address: SocketAddress,
        backlog: Int32,
        action: String
    ) throws(SystemError) -> Socket {
        let socket = Socket(try open(address, action: action))
        socket.enable(SO_REUSEADDR, at: SOL_SOCKET)
        let bound = unsafe address.withSocketAddress { unsafe bind(socket.number, $0, $1) }
        guard bound == 0, Glibc.listen(socket.number, backlog) == 0 else { throw SystemError(action) }
        return socket
    }

    /// Opens a listening UNIX socket.
    ///
    /// - Parameters:
    ///   - path: its file; after a leading `@` an abstract name.
    ///   - mode: the file's permissions, such as 0o660.
    ///   - backlog: how many established connections may wait to be accepted.
    /// - Returns: the socket, whose waiting connections `accept` takes.
    /// - Throws: `SystemError`, such as `EADDRINUSE` when somebody listens there.
    package static func listen(
        path: String,
        mode: UInt32,
        backlog: Int32 = 1024
    ) throws(SystemError) -> Socket {
        let action = "listen unix:\(path)"
        guard let address = SocketAddress.unix(path: path) else {
            throw SystemError(action, code: ENAMETOOLONG)
        }
        if path.hasPrefix("@") { return try listen(address, backlog: backlog, action: action) }
        let descriptor = try open(address, action: action)
        let file = try SocketFile.listen(
            descriptor,
            at: path,
            address,
            mode: mode,
            backlog: backlog,
            action: action
        )
        return Socket(descriptor, file: file)
    }

    /// Starts to connect to an address where a server listens.
    ///
    /// - Throws: `SystemError` when it cannot be tried, and for a UNIX socket when nobody listens there.
    package static func connect(_ address: ListenAddress) throws(SystemError) -> Socket {
        switch address {
        case .tcp(let host, let port): return try connect(host: host, port: port)
        case .unix(let path):
            let action = "connect \(address)"
            guard let address = SocketAddress.unix(path: path) else {
                throw SystemError(action, code: ENAMETOOLONG)
            }
            let socket = Socket(try open(address, action: action))
            let result = unsafe address.withSocketAddress { unsafe Glibc.connect(socket.number, $0, $1) }
            guard result == 0 else { throw SystemError(action) }
            return socket
        }
    }

    /// Takes over a listening socket that was handed to this process.
    ///
    /// - Throws: `SystemError` when the descriptor is not open.
    package static func adopt(_ number: Int32) throws(SystemError) -> Socket {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(number, F_SETFD, FD_CLOEXEC) == 0
        else { throw SystemError("adopt descriptor \(number)") }
        return Socket(Descriptor(owning: number))
    }

    /// Starts to connect to a host and a TCP port; the socket becomes writable once that has happened.
    ///
    /// - Throws: `SystemError` when no address of the host can be tried.
    package static func connect(host: String, port: Int) throws(SystemError) -> Socket {
        let action = "connect \(host):\(port)"
        var failure = SystemError(action, code: EADDRNOTAVAIL)
        for address in try SocketAddress.resolve(host: host, port: port, for: action) {
            let socket = Socket(try open(address, action: action))
            let result = unsafe address.withSocketAddress { unsafe Glibc.connect(socket.number, $0, $1) }
            if result == 0 || errno == EINPROGRESS {
                socket.enable(TCP_NODELAY, at: Int32(IPPROTO_TCP))
                return socket
            }
            failure = SystemError(action)
        }
        throw failure
    }

    private static func open(_ address: SocketAddress, action: String) throws(SystemError) -> Descriptor {
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let number = socket(address.family, Int32(type), 0)
        guard number >= 0 else { throw SystemError(action) }
        return Descriptor(owning: number)
    }

    /// The TCP port that the socket is bound to.
    package var localPort: Int {
        get throws(SystemError) { try SocketAddress.bound(to: descriptor).port }
    }

    /// The address that the socket is bound to, in numbers.
    package var localAddress: ListenAddress {
        get throws(SystemError) {
            let address = try SocketAddress.bound(to: descriptor)
            return address.path.map(ListenAddress.unix) ?? .tcp(host: address.name, port: address.port)
        }
    }

    /// The other end's address in numbers, without its port; `unix` for a UNIX socket, empty when the connection has gone.
    package var peerName: String { SocketAddress.peerName(of: number) }

    /// Takes the next waiting connection; small answers will leave at once (`TCP_NODELAY`).
    ///
    /// - Returns: the connection, or nil when none waits.
    /// - Throws: `SystemError`, such as `EMFILE` when the process has no descriptor left.
    package func accept() throws(SystemError) -> Socket? {
        while true {
            let number = linux_accept(self.number)
            if number >= 0 {
                let socket = Socket(Descriptor(owning: number))
                socket.enable(TCP_NODELAY, at: Int32(IPPROTO_TCP))
                return socket
            }
            switch errno {
            case EAGAIN: return nil
            // A connection that died while it waited, and errors of its network, concern nobody else: accept(2).
            case EINTR, ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                ENETUNREACH:
                continue
            default: throw SystemError("accept")
            }
        }
    }

    /// Reads what has arrived.
    ///
    /// - Returns: how many bytes were read, 0 at the end of the stream, nil when nothing has arrived yet.
    /// - Throws: `SystemError` when the connection has failed (`ECONNRESET`).
    package func receive(into buffer: inout MutableSpan<UInt8>) throws(SystemError) -> Int? {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(number, $0.baseAddress, $0.count, 0)
            }
            if count >= 0 { return count }
            if errno == EAGAIN { return nil }
            guard errno == EINTR else { throw SystemError("receive") }
        }
    }

    /// Writes as much of `bytes` as the connection takes now; never raises SIGPIPE.
    ///
    /// - Returns: how many bytes were written, nil when it takes none now.
    /// - Throws: `SystemError` when the connection has failed (`EPIPE`, `ECONNRESET`).
    package func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        while true {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 { return count }
            if errno == EAGAIN { return nil }
            guard errno == EINTR else { throw SystemError("send") }
        }
    }

    /// Says that nothing more will be written; reading goes on.
    package func shutdownWriting() {
        // Fails only when the peer has gone, which the next read reports.
        shutdown(number, Int32(SHUT_WR))
    }

    /// Makes closing discard what is unsent and reset the connection.
    package func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(number, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    private func enable(_ option: Int32, at level: Int32) {
        var on: Int32 = 1
        // An option that the kernel does not know costs speed, not correctness.
        unsafe setsockopt(number, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }
}
