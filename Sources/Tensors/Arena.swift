package import Platform

/// Memory for floats that grows as it is needed, aligned to a cache line.
///
/// It belongs to one session; a pointer into it is good until the next `reserve` or `trim`.
@safe // the memory lives until `reserve`, `trim` or the object's end; spans of it stay in their closures
package final class Arena {
    private var memory: ZeroedMemory?
    package private(set) var count = 0
    package private(set) var base = unsafe Arena.nothing
    /// Every buffer in an arena starts at a multiple of this many floats: 64 bytes.
    package static let alignment = 16

    /// An arena without memory.
    package init() {}

    /// Makes room for at least `needed` floats; what was there is lost when it grows.
    ///
    /// - Throws: `SystemError` when there is no memory; the arena is empty then.
    package func reserve(_ needed: Int) throws(SystemError) {
        guard needed > count else { return }
        trim() // the old one goes before the new one comes
        let (bytes, isTooLarge) = needed.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        let made = try ZeroedMemory(byteCount: isTooLarge ? .max : bytes)
        unsafe base = made.address.assumingMemoryBound(to: Float.self)
        count = needed
        memory = consume made
    }

    /// Gives the memory back to the system.
    package func trim() {
        unsafe base = Arena.nothing
        count = 0
        memory = nil
    }

    /// An aligned address that is never read, for an arena without floats.
    private static var nothing: UnsafeMutablePointer<Float> {
        guard let pointer = unsafe UnsafeMutablePointer<Float>(bitPattern: 64) else {
            preconditionFailure("64 is not null")
        }
        return unsafe pointer
    }

    /// Copies `values` to `offset`.
    package func store(_ values: Span<Float>, at offset: Int) {
        precondition(
            offset >= 0 && offset + values.count <= count,
            "\(values.count) floats at \(offset) of \(count)"
        )
        unsafe values.withUnsafeBufferPointer { source in
            guard let address = source.baseAddress else { return }
            unsafe (base + offset).update(from: address, count: source.count)
        }
    }

    /// Sets a range to zeros.
    package func clear(at offset: Int, count length: Int) {
        precondition(offset >= 0 && offset + length <= count, "\(length) floats at \(offset) of \(count)")
        unsafe (base + offset).update(repeating: 0, count: length)
    }

    /// Calls `body` with a range of the memory.
    package func withSpan<Result>(at offset: Int, count length: Int, _ body: (Span<Float>) throws -> Result)
        rethrows
        -> Result
    {
        precondition(offset >= 0 && offset + length <= count, "\(length) floats at \(offset) of \(count)")
        return try unsafe body(UnsafeBufferPointer(start: base + offset, count: length).span)
    }

    /// A length in floats rounded up so that what follows is aligned.
    package static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
