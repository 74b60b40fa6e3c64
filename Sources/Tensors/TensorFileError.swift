package import Platform

/// Why a file of tensors cannot be used.
package struct TensorFileError: Error, Equatable, CustomStringConvertible {
    /// The file.
    package let path: String
    package let problem: Problem

    package init(path: String, problem: Problem) {
        self.path = path
        self.problem = problem
    }

    /// What is wrong with it.
    package enum Problem: Error, Equatable {
        /// It cannot be opened or read.
        case unreadable(SystemError)
        /// Something else than a regular file is there.
        case notAFile(ReadableFile.Kind)
        /// Somebody wrote to it while it was read.
        case changed
        /// It has not even the 8 bytes of the header's length.
        case tooShort(bytes: Int)
        /// The header is longer than the file, or than any header needs to be.
        case headerLength(declared: UInt64, limit: Int)
        /// The header is not the JSON it should be.
        case syntax(offset: Int, expected: String)
        /// A tensor's entry contradicts itself or the file.
        case tensor(String, String)
        /// No tensor's name begins so.
        case prefix(String)
        /// The data has bytes that no tensor claims, or that two claim.
        case layout(String)
        /// An index of several files that is none.
        case index(String)
        /// A file of PyTorch that contradicts itself.
        case checkpoint(String)
        /// A file of PyTorch that holds something else than tensors.
        case refused(String)
    }

    package var description: String { "\(problem) (\(path))" }
}

extension TensorFileError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .notAFile(let kind): "expected a file of weights, found \(kind.rawValue)"
        case .changed: "the file was changed while it was read; load it again when it is complete"
        case .tooShort(let bytes):
            "not a safetensors file: \(bytes) bytes, but 8 are needed for the header's length"
        case .headerLength(let declared, let limit):
            "not a safetensors file: the header claims \(declared) bytes, at most \(limit) are possible"
        case .syntax(let offset, let expected):
            "malformed safetensors header: expected \(expected) at byte \(offset)"
        case .tensor(let name, let fault): "tensor \(quoted(name)) \(fault)"
        case .prefix(let prefix): "no tensor's name begins with the prefix \(quoted(prefix))"
        case .layout(let fault): "malformed safetensors file: \(fault)"
        case .index(let fault): "malformed index of weights: \(fault)"
        case .checkpoint(let fault): "malformed PyTorch file: \(fault)"
        case .refused(let reason): reason
        }
    }
}

extension ReadableFile {
    /// Requires that nobody wrote to a file of tensors since it was opened.
    ///
    /// - Throws: `TensorFileError` when somebody did.
    func checkUnchanged() throws(TensorFileError) {
        do throws(SystemError) {
            guard try hasChanged() else { return }
        } catch {
            throw TensorFileError(path: path, problem: .unreadable(error))
        }
        throw TensorFileError(path: path, problem: .changed)
    }
}

/// A name from a file, fit for a message: in quotes, on one line, of bounded length.
package func quoted(_ name: String) -> String {
    let limit = 120
    let line = String(name.unicodeScalars.prefix(limit).map { $0.value < 32 ? " " : Character($0) })
    return "'\(line)\(name.unicodeScalars.count > limit ? "…" : "")'"
}
