import Glibc

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
