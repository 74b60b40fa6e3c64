internal import Platform

/// Memory for floats that grows and never shrinks, aligned to a cache line.
///
/// It belongs to one session; a pointer into it is good until the next `reserve`.
@safe // the memory lives until `reserve` or the object's end; spans of it stay in their closures
final class Arena {
    private var memory = ZeroedMemory(byteCount: 0)
    private(set) var count = 0
    /// Every buffer in an arena starts at a multiple of this many floats: 64 bytes.
    static let alignment = 16

    var base: UnsafeMutablePointer<Float> {
        unsafe memory.address.assumingMemoryBound(to: Float.self)
    }

    /// Makes room for at least `needed` floats; what was there is lost when it grows.
    func reserve(_ needed: Int) {
        guard needed > count else { return }
        memory = ZeroedMemory(byteCount: 0) // the old one goes before the new one comes
        memory = ZeroedMemory(byteCount: needed * MemoryLayout<Float>.stride)
        count = needed
    }

    /// Copies `values` to `offset`.
    func store(_ values: Span<Float>, at offset: Int) {
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
    func clear(at offset: Int, count length: Int) {
        precondition(offset >= 0 && offset + length <= count, "\(length) floats at \(offset) of \(count)")
        unsafe (base + offset).update(repeating: 0, count: length)
    }

    /// Calls `body` with a range of the memory.
    func withSpan<Result>(at offset: Int, count length: Int, _ body: (Span<Float>) throws -> Result) rethrows
        -> Result
    {
        precondition(offset >= 0 && offset + length <= count, "\(length) floats at \(offset) of \(count)")
        return try unsafe body(UnsafeBufferPointer(start: base + offset, count: length).span)
    }

    /// A length in floats rounded up so that what follows is aligned.
    static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
