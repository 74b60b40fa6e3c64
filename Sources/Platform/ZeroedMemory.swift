import Glibc

/// Memory that holds zeros, aligned to a cache line; pages that nobody touches take no room.
@safe // freed once, in deinit
package struct ZeroedMemory: ~Copyable {
    /// Where it is; good while this lives.
    package let address: UnsafeMutableRawPointer
    private let start: UnsafeMutableRawPointer

    private static let alignment = 64

    /// - Precondition: the system has so much memory to give.
    package init(byteCount: Int) {
        guard let start = unsafe calloc(1, byteCount + Self.alignment) else {
            fatalError("no memory for \(byteCount) bytes")
        }
        unsafe self.start = start
        unsafe address = start.alignedUp(toMultipleOf: Self.alignment)
    }

    deinit { unsafe free(start) }
}
