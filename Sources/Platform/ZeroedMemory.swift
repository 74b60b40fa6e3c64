import Glibc

/// Memory that holds zeros, aligned to a cache line; pages that nobody touches take no room.
///
/// Where the system has large pages, a few megabytes or more lie in them.
@safe // freed once, in deinit
package struct ZeroedMemory: ~Copyable {
    /// Where it is; good while this lives.
    package let address: UnsafeMutableRawPointer
    private let start: UnsafeMutableRawPointer

    private static let cacheLine = 64

    /// - Precondition: the system has so much memory to give.
    package init(byteCount: Int) {
        let alignment = MemoryAdvice.fillsHugePages(byteCount) ? MemoryAdvice.hugePage : Self.cacheLine
        guard let start = unsafe calloc(1, byteCount + alignment) else {
            fatalError("no memory for \(byteCount) bytes")
        }
        unsafe self.start = start
        unsafe address = start.alignedUp(toMultipleOf: alignment)
        unsafe MemoryAdvice.useHugePages(address, count: byteCount)
    }

    deinit { unsafe free(start) }
}
