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

    /// Whether somebody listens.
    package var isPresent: Bool { address != nil }

    /// Says that the process begins to load again what it runs with; `READY=1` says that this is done.
    ///
    /// - Source: systemd.service(5), `Type=notify-reload`, which compares the time with that of its signal.
    package func notifyReloading() {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        notify("RELOADING=1", "MONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
    }

    /// Sends lines such as `READY=1`; a manager that does not listen is no reason to fail.
    package func notify(_ lines: String...) { notify(lines) }

    /// The same for lines that were collected.
    package func notify(_ lines: [String]) {
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
