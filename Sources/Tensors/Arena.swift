package import Platform

/// Memory that grows as it is needed, counted in bytes and aligned to a cache line.
///
/// It belongs to one session; a pointer into it is good until the next `reserve` or `trim`.
@safe // the memory lives until `reserve`, `trim` or the object's end; spans of it stay in their closures
package final class Arena {
    private var memory: ZeroedMemory?
    package private(set) var byteCount = 0
    package private(set) var base = unsafe Arena.nothing
    /// Every buffer in an arena starts at a multiple of this many bytes.
    package static let alignment = 64

    /// An arena without memory.
    package init() {}

    /// Makes room for at least `needed` bytes; what was there is lost when it grows.
    ///
    /// - Throws: `SystemError` when there is no memory; the arena is empty then.
    package func reserve(_ needed: Int) throws(SystemError) {
        guard needed > byteCount else { return }
        trim() // the old one goes before the new one comes
        let made = try ZeroedMemory(byteCount: needed)
        unsafe base = made.address
        byteCount = needed
        memory = consume made
    }

    /// Gives the memory back to the system.
    package func trim() {
        unsafe base = Arena.nothing
        byteCount = 0
        memory = nil
    }

    /// An aligned address that is never read, for an arena without memory.
    private static var nothing: UnsafeMutableRawPointer {
        guard let pointer = unsafe UnsafeMutableRawPointer(bitPattern: alignment) else {
            preconditionFailure("\(alignment) is not null")
        }
        return unsafe pointer
    }

    /// Copies `values` to `offset`, in bytes.
    package func store(_ values: Span<Float>, at offset: Int) {
        let target = unsafe floats(at: offset, count: values.count)
        unsafe values.withUnsafeBufferPointer { source in
            guard let address = source.baseAddress else { return }
            unsafe target.update(from: address, count: source.count)
        }
    }

    /// Sets numbers from `offset` on, in bytes, to zeros.
    package func clear(at offset: Int, count: Int) {
        unsafe floats(at: offset, count: count).update(repeating: 0, count: count)
    }

    /// Calls `body` with the numbers from `offset` on, in bytes.
    package func withSpan<Result>(at offset: Int, count: Int, _ body: (Span<Float>) throws -> Result)
        rethrows
        -> Result
    {
        let start = unsafe floats(at: offset, count: count)
        return try unsafe body(UnsafeBufferPointer(start: start, count: count).span)
    }

    private func floats(at offset: Int, count: Int) -> UnsafeMutablePointer<Float> {
        precondition(
            offset >= 0 && count >= 0 && offset + count * ElementType.f32.size <= byteCount,
            "\(count) floats at byte \(offset) of \(byteCount)"
        )
        return unsafe (base + offset).assumingMemoryBound(to: Float.self)
    }

    /// A number of bytes rounded up so that what follows is aligned.
    package static func aligned(_ byteCount: Int) -> Int {
        (byteCount + alignment - 1) / alignment * alignment
    }
}
