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

    package var description: String {
        let message = unsafe String(cString: strerror(code))
        return "\(action): \(message.lowercased())"
    }
}
