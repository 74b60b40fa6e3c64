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
    /// Makes a folder and those above it that are missing, for the owner alone.
    ///
    /// - Throws: `SystemError` when one cannot be made.
    package static func create(_ path: String) throws(SystemError) {
        var parent = path.hasPrefix("/") ? "/" : ""
        for name in path.split(separator: "/") {
            parent += parent.isEmpty || parent.hasSuffix("/") ? name : "/" + name
            guard unsafe mkdir(parent, 0o700) == 0 || errno == EEXIST else {
                throw SystemError("create \(parent)")
            }
        }
    }
}
