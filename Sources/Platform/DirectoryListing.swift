internal import CLinux
import Glibc

/// The names in a directory.
package enum DirectoryListing {
    /// Every name but `.` and `..`, in no order; names that are not UTF-8 are left out.
    ///
    /// - Throws: `SystemError` when the directory cannot be read.
    package static func names(in path: String) throws(SystemError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw SystemError("open \(path)") }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else { break }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw SystemError("list \(path)") }
        return names
    }
}

/// Folders of our own.
package enum Folder {
    /// Makes a folder and those above it that are missing, by default for the owner alone.
    ///
    /// - Parameters:
    ///   - path: the folder.
    ///   - mode: its permissions, less what the process's mask takes away.
    /// - Throws: `SystemError` when one cannot be made.
    package static func create(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
        var parent = path.hasPrefix("/") ? "/" : ""
        for name in path.split(separator: "/") {
            parent += parent.isEmpty || parent.hasSuffix("/") ? name : "/" + name
            guard unsafe mkdir(parent, mode) == 0 || errno == EEXIST else {
                throw SystemError("create \(parent)")
            }
        }
    }
    /// Puts a folder in its place, whole: where there is one already, the two change places, and the older one is removed.
    ///
    /// - Parameters:
    ///   - source: the folder, on the same file system.
    ///   - target: where it is to be found.
    ///   - replacing: whether there may be one already.
    /// - Throws: `SystemError` when it cannot be done (`EEXIST` when there is one that must stay); then nothing has changed.
    package static func place(_ source: String, at target: String, replacing: Bool) throws(SystemError) {
        if unsafe linux_rename(source, target, false) == 0 { return }
        if errno == EINVAL, !isTaken(target), unsafe rename(source, target) == 0 { return }
        guard replacing, isTaken(target) else { throw SystemError("rename \(source) to \(target)") }
        if unsafe linux_rename(source, target, true) == 0 { return try remove(source) }
        // Not every file system can change two names at once.
        let old = source + ".old"
        guard unsafe rename(target, old) == 0, unsafe rename(source, target) == 0 else {
            throw SystemError("rename \(source) to \(target)")
        }
        try remove(old)
    }

    /// Removes a folder and all that is in it; one that is not there is fine.
    ///
    /// Links are removed and not followed.
    /// - Throws: `SystemError` when something stays.
    package static func remove(_ path: String) throws(SystemError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw SystemError("stat \(path)")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unsafe unlink(path) == 0 else { throw SystemError("remove \(path)") }
            return
        }
        for name in try DirectoryListing.names(in: path) { try remove("\(path)/\(name)") }
        guard unsafe rmdir(path) == 0 else { throw SystemError("remove \(path)") }
    }

    /// Removes a folder if nothing is in it.
    package static func removeIfEmpty(_ path: String) { unsafe rmdir(path) }

    /// Moves a file within a file system.
    ///
    /// - Throws: `SystemError` when it cannot be done.
    package static func move(_ source: String, to target: String) throws(SystemError) {
        guard unsafe rename(source, target) == 0 else { throw SystemError("rename \(source) to \(target)") }
    }

    /// Waits until the names in a folder are on the disk.
    ///
    /// - Throws: `SystemError` when they cannot be kept.
    package static func keep(_ path: String) throws(SystemError) {
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError("open \(path)") }
        defer { close(number) }
        guard fsync(number) == 0 else { throw SystemError("write \(path)") }
    }

    /// How many bytes a process without privileges may write yet where a folder is.
    ///
    /// - Throws: `SystemError` when the system does not say.
    package static func freeBytes(at path: String) throws(SystemError) -> Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { throw SystemError("stat \(path)") }
        let bytes = UInt(status.f_bavail).multipliedReportingOverflow(by: status.f_frsize)
        return bytes.overflow ? .max : Int(clamping: bytes.partialValue)
    }

    /// Whether anything has a name, be it a link that leads nowhere.
    package static func isTaken(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }
}
