import Glibc

/// The natural logarithm of the C library.
package enum Logarithm {
    /// The power of e that `x` is.
    package static func of(_ x: Double) -> Double { log(x) }
}
