internal import CLinux
import Glibc

/// The sockets that the service manager opened before it started this process, so that no client is refused meanwhile.
///
/// - Source: sd_listen_fds(3): `LISTEN_FDS` descriptors from number 3 on, meant for the process `LISTEN_PID`, with the
///   names `LISTEN_FDNAMES` between colons. Others than sockets to listen on, such as those of its descriptor store,
///   are left alone.
package enum SocketActivation {
    /// A descriptor that was handed over.
    package struct Passed: Sendable, Equatable {
        package let number: Int32
        /// What the unit calls it; the socket unit's own name unless it says otherwise.
        package let name: String

        package init(number: Int32, name: String) {
            self.number = number
            self.name = name
        }
    }

    private static let firstNumber: Int32 = 3

    /// What was handed to this process.
    package static func passed(
        environment: [String: String],
        process: Int32 = getpid()
    ) -> [Passed] {
        guard environment["LISTEN_PID"].flatMap(Int32.init) == process,
            let count = environment["LISTEN_FDS"].flatMap(Int32.init), 1...1024 ~= count
        else { return [] }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(
            separator: ":",
            omittingEmptySubsequences: false
        )
        return (0..<count).map { index in
            let name =
                Int(index) < names.count && !names[Int(index)].isEmpty ? String(names[Int(index)]) : "unknown"
            return Passed(number: firstNumber + index, name: name)
        }
    }

    /// The socket to answer HTTP on: the one called `http`, or else the only one that listens; nil when there is none.
    ///
    /// - Throws: `SystemError` when there are several, of which none would be right.
    package static func listener(environment: [String: String]) throws(SystemError) -> Socket? {
        let passed = passed(environment: environment).filter { Socket.listens($0.number) }
        let named = passed.filter { $0.name == "http" }
        let candidates = named.isEmpty ? passed : named
        guard let found = candidates.first else { return nil }
        guard candidates.count == 1 else {
            let names = candidates.map(\.name).joined(separator: ", ")
            throw SystemError(
                "LISTEN_FDS: expected one socket, or one called http, found \(names)",
                code: EINVAL
            )
        }
        return try Socket.adopt(found.number)
    }
}

extension Socket {
    /// Whether a descriptor is a socket that takes connections.
    fileprivate static func listens(_ number: Int32) -> Bool {
        var (value, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return unsafe getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
    }
}
