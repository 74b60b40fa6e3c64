internal import CLinux
import Glibc

/// A failed system call: what was attempted, on what, and the error number.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call and its object, such as `open weights/digits/model.safetensors`.
    package let action: String
    /// The value of `errno`.
    package let code: Int32

    package init(_ action: String, code: Int32) {
        self.action = action
        self.code = code
    }

    /// The error that `errno` holds now.
    package init(_ action: String) {
        self.init(action, code: errno)
    }

    /// Whether the process or the system has no file descriptor left.
    package var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE }

    /// Whether the file system, or what its user may have of it, is full.
    package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }

    /// The codes of a time that is over, and of a peer that breaks the protocol.
    package static let timeoutCode = ETIMEDOUT
    package static let protocolCode = EPROTO
    package static let addressInUseCode = EADDRINUSE

    /// One line such as `listen 0.0.0.0:8080: address already in use (EADDRINUSE)`.
    package var description: String { "\(action): \(reason)" }

    /// What the system says, without what was attempted: `address already in use (EADDRINUSE)`.
    package var reason: String {
        let message = unsafe String(cString: strerror(code)).lowercased()
        guard let name = unsafe linux_error_name(code) else { return message }
        return unsafe "\(message) (\(String(cString: name)))"
    }

    /// Whether what was opened as a folder is there and is something else.
    package var isNoFolder: Bool { code == ENOTDIR }
}
