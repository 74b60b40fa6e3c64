import Glibc

/// An address that a socket can be bound to or connected with: IPv4, IPv6 or UNIX.
package struct SocketAddress: Sendable {
    private var storage: sockaddr_storage
    private let length: socklen_t

    /// The addresses of a host and a TCP port, in the resolver's order of preference.
    ///
    /// - Parameters:
    ///   - host: an IPv4 or IPv6 literal (with or without brackets) or a name.
    ///   - port: 0 lets the system choose one when binding.
    ///   - action: what the addresses are for, as the error names it: `listen localhost:8080`.
    /// - Returns: at least one address.
    /// - Throws: `SystemError` when the name does not resolve.
    package static func resolve(
        host: String,
        port: Int,
        for action: String
    ) throws(SystemError) -> [SocketAddress] {
        guard (0...65535).contains(port) else { throw SystemError(action, code: EINVAL) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var literal = host[...]
        if literal.hasPrefix("["), literal.hasSuffix("]") { literal = literal.dropFirst().dropLast() }
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = unsafe getaddrinfo(String(literal), String(port), &hints, &list)
        guard failure == 0, let first = unsafe list else {
            if failure == EAI_SYSTEM { throw SystemError(action) }
            throw SystemError("\(action): host '\(host)' cannot be resolved", code: EADDRNOTAVAIL)
        }
        defer { unsafe freeaddrinfo(first) }
        var addresses: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr {
                unsafe addresses.append(SocketAddress(copying: address, length: entry.pointee.ai_addrlen))
            }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }

    /// A UNIX socket's address; a leading `@` names an abstract one, which is no file.
    ///
    /// - Returns: nil when the path is empty, holds a NUL, or is longer than the 107 bytes that fit.
    package static func unix(path: String) -> SocketAddress? {
        var bytes = Array(path.utf8)
        var address = sockaddr_un()
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < capacity, !bytes.contains(0) else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        // An abstract name is as long as it is said to be; a path ends with its NUL.
        let header = MemoryLayout<sockaddr_un>.size - capacity
        let length = header + bytes.count + (bytes[0] == 0 ? 0 : 1)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe SocketAddress(copying: $0, length: socklen_t(length))
            }
        }
    }

    /// The address that `descriptor` is bound to.
    static func bound(to descriptor: borrowing Descriptor) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let number = descriptor.number
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(number, $0, &length)
            }
        }
        guard result == 0 else { throw SystemError("getsockname") }
        return SocketAddress(storage: storage, length: length)
    }

    /// The address at the other end of a connection, in numbers; empty when the connection has gone.
    static func peerName(of number: Int32) -> String {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getpeername(number, address, &length)
            }
        }
        return result == 0 ? SocketAddress(storage: storage, length: length).name : ""
    }

    /// What stands for the name of every client of a UNIX socket.
    package static let unixName = "unix"

    /// The path of a UNIX address, with a leading `@` for an abstract one; nil for any other.
    package var path: String? {
        guard family == AF_UNIX else { return nil }
        return unsafe withUnsafeBytes(of: storage) { bytes in
            var path = unsafe Array(bytes[MemoryLayout<sa_family_t>.size..<Int(length)])
            if path.first == 0 {
                path[0] = UInt8(ascii: "@")
            } else if let end = path.firstIndex(of: 0) {
                path.removeSubrange(end...)
            }
            return String(decoding: path, as: UTF8.self)
        }
    }

    /// The address in numbers, without its port; empty for one that has none.
    package var name: String {
        if family == AF_UNIX { return Self.unixName }
        var text = [UInt8](repeating: 0, count: 64)
        let result = unsafe withSocketAddress { address, length in
            unsafe text.withUnsafeMutableBytes { bytes in
                let room = unsafe bytes.assumingMemoryBound(to: CChar.self)
                return unsafe getnameinfo(address, length, room.baseAddress, 64, nil, 0, NI_NUMERICHOST)
            }
        }
        return result == 0 ? String(decoding: text.prefix { $0 != 0 }, as: UTF8.self) : ""
    }

    private init(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    private init(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
        var storage = sockaddr_storage()
        precondition(length <= MemoryLayout<sockaddr_storage>.size, "a socket address of \(length) bytes")
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
        self.init(storage: storage, length: length)
    }

    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    package var family: Int32 { Int32(storage.ss_family) }

    /// The TCP port, 0 for a UNIX address.
    package var port: Int {
        unsafe withUnsafeBytes(of: storage) { bytes in
            // sin_port and sin6_port both follow the two bytes of the family, in network order.
            guard family == AF_INET || family == AF_INET6 else { return 0 }
            return unsafe Int(bytes[2]) << 8 | Int(bytes[3])
        }
    }

    /// Calls `body` with the form that the socket calls take, valid during the call only.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
