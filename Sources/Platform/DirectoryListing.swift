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
