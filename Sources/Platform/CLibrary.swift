import Glibc

/// The exponential function of the C library.
package enum Exponential {
    /// e to the power of `x`.
    package static func of(_ x: Double) -> Double { exp(x) }
}

/// The natural logarithm of the C library.
package enum Logarithm {
    /// The power of e that `x` is.
    package static func of(_ x: Double) -> Double { log(x) }
}

/// The time of day, for people; durations are measured with `ContinuousClock`.
package enum WallClock {
    /// Whole seconds since 1970-01-01 00:00 UTC.
    package static var seconds: Int { time(nil) }

    /// The same in milliseconds.
    package static var milliseconds: Int {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
