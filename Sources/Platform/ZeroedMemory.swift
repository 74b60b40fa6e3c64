import Glibc

/// Memory that holds zeros, aligned to a cache line; pages that nobody touches take no room.
///
/// A megabyte or more comes from the system and goes back to it at once when this ends. Where the system has large
/// pages, a few megabytes or more lie in them.
@safe // given back once, in deinit
package struct ZeroedMemory: ~Copyable, @unchecked Sendable { // @unchecked: its owner says who writes
    /// Where it is; good while this lives.
    package let address: UnsafeMutableRawPointer
    private let start: UnsafeMutableRawPointer
    /// The bytes of a mapping of its own; 0 for memory of the allocator.
    private let mapped: Int

    private static let cacheLine = 64
    private static let leastMapping = 1 << 20

    /// - Throws: `SystemError` when the system has not so much memory to give.
    package init(byteCount: Int) throws(SystemError) {
        let alignment = MemoryAdvice.fillsHugePages(byteCount) ? MemoryAdvice.hugePage : Self.cacheLine
        let (total, isTooLarge) = byteCount.addingReportingOverflow(alignment)
        let isMapped = total >= Self.leastMapping
        let start = unsafe isTooLarge ? nil : isMapped ? Self.mapping(total) : calloc(1, total)
        guard let start = unsafe start else {
            throw SystemError("allocate \(byteCount) bytes", code: ENOMEM)
        }
        unsafe self.start = start
        mapped = isMapped ? total : 0
        unsafe address = start.alignedUp(toMultipleOf: alignment)
        unsafe MemoryAdvice.useHugePages(address, count: byteCount)
    }

    private static func mapping(_ count: Int) -> UnsafeMutableRawPointer? {
        let start = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return unsafe start == MAP_FAILED ? nil : start
    }

    deinit {
        if mapped > 0 {
            unsafe munmap(start, mapped)
        } else {
            unsafe free(start)
        }
    }
}
