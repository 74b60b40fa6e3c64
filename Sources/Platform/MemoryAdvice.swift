internal import CLinux
import Glibc

/// What the system is told about memory; it may not listen, and nothing depends on it.
package enum MemoryAdvice {
    static let hugePage = 1 << 21

    /// Whether so many bytes are worth large pages.
    static func fillsHugePages(_ count: Int) -> Bool { count >= 2 * hugePage }

    /// Asks for large pages, which need fewer address translations, in a range of more than a few of them.
    package static func useHugePages(_ start: UnsafeMutableRawPointer, count: Int) {
        guard fillsHugePages(count) else { return }
        let first = (Int(bitPattern: start) + hugePage - 1) / hugePage * hugePage
        let end = (Int(bitPattern: start) + count) / hugePage * hugePage
        guard end > first, let address = unsafe UnsafeMutableRawPointer(bitPattern: first) else { return }
        unsafe madvise(address, end - first, MADV_HUGEPAGE)
    }

    /// Gives what was freed back to the system: loading a model frees much that the allocator would keep.
    package static func releaseFreed() { linux_release_freed() }

    /// Keeps the allocator from holding on to what a burst of requests needed; called once, before other threads.
    package static func boundAllocator() { linux_bound_allocator() }
}
