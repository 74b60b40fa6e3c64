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

    /// The name of the sockets that only operators' routes are answered on.
    package static let adminName = "admin"

    /// The sockets to answer HTTP on, and those called `admin`.
    ///
    /// Where some are called `http`, those and no others are for HTTP; else all are that listen.
    /// - Throws: `SystemError` when one of them cannot be taken over.
    package static func listeners(
        environment: [String: String]
    ) throws(SystemError) -> (http: [Listener], admin: [Listener]) {
        var (http, unnamed, admin) = ([Passed](), [Passed](), [Passed]())
        for passed in passed(environment: environment) where Socket.listens(passed.number) {
            switch passed.name {
            case "http": http.append(passed)
            case adminName: admin.append(passed)
            default: unnamed.append(passed)
            }
        }
        func adopt(_ passed: [Passed]) throws(SystemError) -> [Listener] {
            var listeners: [Listener] = []
            for passed in passed { listeners.append(try Listener(Socket.adopt(passed.number))) }
            return listeners
        }
        return (try adopt(http.isEmpty ? unnamed : http), try adopt(admin))
    }
}

extension Socket {
    /// Whether a descriptor is a socket that takes connections.
    fileprivate static func listens(_ number: Int32) -> Bool {
        var (value, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return unsafe getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
    }
}
