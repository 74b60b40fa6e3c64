import Glibc

/// An open file descriptor; it is closed exactly once, when its owner lets go of it.
package struct Descriptor: ~Copyable, Sendable {
    /// The number the kernel knows it by; valid while this value lives.
    package let number: Int32

    /// Takes over an open descriptor that nobody else will close.
    package init(owning number: Int32) {
        precondition(number >= 0, "descriptor \(number) is not open")
        self.number = number
    }

    /// A descriptor of no use but to be given up when the process has none left; nil when that is so already.
    package static func spare() -> Descriptor? {
        let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        return number >= 0 ? Descriptor(owning: number) : nil
    }

    deinit {
        close(number)
    }
}

/// How many descriptors the process may have open.
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one, as far as the system allows.
    ///
    /// - Returns: the limit from now on.
    @discardableResult package static func raise() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        var raised = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
        if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        return Int(min(limit.rlim_cur, 1 << 30))
    }

    /// What holds now, and as far as the process may raise it.
    package static var current: (soft: Int, hard: Int) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return (1024, 1024)
        }
        return (Int(clamping: limit.rlim_cur), Int(clamping: limit.rlim_max))
    }
}

/// What this process may do with what lies at a path.
package enum FileAccess {
    case read, write, enter

    /// Whether it may, by the file's permissions; false also when nothing is there.
    package func isAllowed(to path: String) -> Bool {
        let mode =
            switch self {
            case .read: R_OK
            case .write: W_OK
            case .enter: X_OK
            }
        return unsafe access(path, mode) == 0
    }

    /// Who this process is.
    package static var userID: UInt32 { geteuid() }
}
