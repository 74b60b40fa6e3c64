internal import Synchronization

/// Where a server listens: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/martlet/http.sock`, or `unix:@name` for an abstract
/// socket, which is no file.
package enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// Reads an address; nil for any other text.
    package init?(_ text: String) {
        if text.utf8.starts(with: "unix:".utf8) {
            let path = String(text.dropFirst("unix:".count))
            guard path.hasPrefix("/") || path.hasPrefix("@"), SocketAddress.unix(path: path) != nil else {
                return nil
            }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            0...65_535 ~= port
        else { return nil }
        let host = String(text[..<colon])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard !host.isEmpty, isBracketed || !host.contains(":"), !host.contains("/"), !host.contains(" ")
        else { return nil }
        self = .tcp(host: host, port: port)
    }

    /// The host without its port, or `unix:` and the path.
    package var host: String {
        switch self {
        case .tcp(let host, _): host
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Reads addresses between commas; nil when one of them is none.
    package static func list(_ text: String) -> [ListenAddress]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let addresses = parts.compactMap { part in
            ListenAddress(String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
        }
        return addresses.count == parts.count ? addresses : nil
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port):
            host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// A socket that listens, until the server takes it that answers on it.
package final class Listener: Sendable {
    /// Where it listens, in numbers.
    package let address: ListenAddress
    private let socket: Mutex<Socket?>

    /// Listens at an address.
    ///
    /// - Parameters:
    ///   - address: where.
    ///   - mode: the permissions of a UNIX socket's file.
    /// - Throws: `SystemError` such as `listen 0.0.0.0:8080: address already in use (EADDRINUSE)`.
    package convenience init(_ address: ListenAddress, mode: UInt32 = 0o660) throws(SystemError) {
        switch address {
        case .tcp(let host, let port): try self.init(Socket.listen(host: host, port: port))
        case .unix(let path): try self.init(Socket.listen(path: path, mode: mode))
        }
    }

    /// Takes over a socket that listens already.
    ///
    /// - Throws: `SystemError` when it is bound to nothing.
    package init(_ socket: consuming Socket) throws(SystemError) {
        address = try socket.localAddress
        self.socket = Mutex(consume socket)
    }

    /// The socket, for whoever asks first.
    package func take() -> Socket? { socket.withLock { $0.take() } }
}
