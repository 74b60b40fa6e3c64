import Glibc

/// Tells the service manager how the process fares (`sd_notify`); says nothing when there is none.
///
/// - Source: sd_notify(3): one datagram of `KEY=VALUE` lines to the socket that `NOTIFY_SOCKET` names.
package struct ServiceManager: Sendable {
    private let address: SocketAddress?
    /// How often the manager wants to hear `WATCHDOG=1`, nil when it does not; send it at half of that.
    package let watchdogInterval: Duration?

    /// - Parameter environment: the process's, where systemd puts `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    package init(environment: [String: String]) {
        let path = environment["NOTIFY_SOCKET"] ?? ""
        address = path.hasPrefix("/") || path.hasPrefix("@") ? SocketAddress.unix(path: path) : nil
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        if isForUs, let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init), microseconds > 0 {
            watchdogInterval = .microseconds(microseconds)
        } else {
            watchdogInterval = nil
        }
    }

    /// Sends lines such as `READY=1`; a manager that does not listen is no reason to fail.
    package func notify(_ lines: String...) {
        guard let address else { return }
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return }
        let descriptor = Descriptor(owning: number)
        let message = Array(lines.joined(separator: "\n").utf8)
        let flags = Int32(MSG_NOSIGNAL)
        _ = unsafe address.withSocketAddress {
            unsafe sendto(descriptor.number, message, message.count, flags, $0, $1)
        }
    }
}
