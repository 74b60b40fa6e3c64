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

    deinit {
        close(number)
    }
}
