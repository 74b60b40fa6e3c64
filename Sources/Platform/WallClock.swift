import Glibc

/// The time of day, for people; durations are measured with `ContinuousClock`.
package enum WallClock {
    /// Whole seconds since 1970-01-01 00:00 UTC.
    package static var seconds: Int { time(nil) }
}
