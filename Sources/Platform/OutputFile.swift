internal import CLinux
import Glibc

/// A file that appears in its place whole, or not at all.
///
/// Until then it has no name (`O_TMPFILE`), so that whatever ends the process, be it SIGKILL, leaves nothing half-written.
/// An older file is replaced by way of `<path>.partial`, whole already, which nothing but a SIGKILL at that very moment
/// leaves. On a file system without nameless files, such as NFS, the file is written under that name.
/// - Source: open(2), `O_TMPFILE`.
package struct OutputFile: ~Copyable {
    private let path: String
    private let temporaryPath: String
    private let descriptor: Int32
    /// Whether `temporaryPath` names the file while it is written.
    private let isNamed: Bool

    /// Makes an empty file that has no name yet.
    ///
    /// - Throws: `SystemError` when it cannot be created.
    package init(path: String) throws(SystemError) {
        self.path = path
        temporaryPath = path + ".partial"
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "."
        let nameless = unsafe linux_open_nameless(folder)
        // Its name is given by way of /proc, which a chroot may lack.
        if nameless >= 0, unsafe access("/proc/self/fd/\(nameless)", F_OK) == 0 {
            (descriptor, isNamed) = (nameless, false)
            return
        }
        if nameless >= 0 { close(nameless) }
        (descriptor, isNamed) = (
            unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644), true
        )
        guard descriptor >= 0 else { throw SystemError("create \(temporaryPath)") }
    }

    deinit {
        close(descriptor)
        if isNamed { unsafe unlink(temporaryPath) } // gone already when committed
    }

    /// Appends bytes.
    ///
    /// - Throws: `SystemError` when the file system refuses them, for example because it is full.
    package func write(_ bytes: RawSpan) throws(SystemError) {
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: written)
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write \(path)") }
            written += count
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: `SystemError` as above.
    package func write(_ bytes: [UInt8]) throws(SystemError) { try unsafe write(bytes.span.bytes) }

    /// Puts the file in its place, over an older one; readers that have the older one mapped keep it.
    ///
    /// - Throws: `SystemError` when the bytes cannot be kept or the name cannot be given.
    package consuming func commit() throws(SystemError) {
        guard fsync(descriptor) == 0 else { throw SystemError("write \(path)") }
        try Interrupts.finishing { () throws(SystemError) in try place() }
    }

    /// Gives the file its name, over an older one.
    private borrowing func place() throws(SystemError) {
        if !isNamed {
            if link(to: path) { return }
            guard errno == EEXIST else { throw SystemError("create \(path)") }
            // Only `rename` replaces an older file; what lies at the temporary name was left by a process that was killed.
            if !link(to: temporaryPath) {
                unsafe unlink(temporaryPath)
                guard link(to: temporaryPath) else { throw SystemError("create \(temporaryPath)") }
            }
        }
        guard unsafe rename(temporaryPath, path) == 0 else {
            let error = SystemError("rename \(temporaryPath) to \(path)")
            unsafe unlink(temporaryPath)
            throw error
        }
    }

    private borrowing func link(to name: String) -> Bool {
        unsafe linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
    }
}
