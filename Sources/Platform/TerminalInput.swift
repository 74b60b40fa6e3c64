import Glibc

extension StandardStream {
    /// Whether a person looks at it through a terminal.
    package var isTerminal: Bool { isatty(rawValue) == 1 }

    /// How many columns its terminal has; nil where it is none or does not say.
    package var columns: Int? {
        var size = winsize()
        guard unsafe ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

/// The lines that come through standard input, or stand in a file or a pipe; no more than one of them is held.
package struct LineReader: ~Copyable {
    /// Standard input is a terminal, whose user edits a line before it comes.
    package static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    private let descriptor: Int32
    private let name: String
    private let isOwned: Bool
    private let maxBytes: Int
    private var bytes: ArraySlice<UInt8> = []
    private var hasEnded = false

    /// Reads standard input.
    package init(maxBytes: Int = 1 << 20) {
        descriptor = STDIN_FILENO
        name = "standard input"
        isOwned = false
        self.maxBytes = maxBytes
    }

    /// Reads what is at `path`.
    ///
    /// - Throws: `SystemError` when it cannot be opened.
    package init(path: String, maxBytes: Int = 1 << 20) throws(SystemError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        name = path
        isOwned = true
        self.maxBytes = maxBytes
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// The next line without its end, which may be that of another system; nil after the last.
    ///
    /// Bytes that are no UTF-8 are replaced.
    /// - Throws: `SystemError` when it cannot be read, or a line is longer than `maxBytes` (`EMSGSIZE`).
    package mutating func next() throws(SystemError) -> String? {
        var searched = 0
        while true {
            let end = bytes.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n"))
            if let end {
                let line = bytes[..<end]
                bytes = bytes[(end + 1)...]
                return Self.text(line)
            }
            searched = bytes.count
            guard searched <= maxBytes else { throw SystemError("read a line of \(name)", code: EMSGSIZE) }
            if hasEnded {
                defer { bytes = [] }
                return bytes.isEmpty ? nil : Self.text(bytes)
            }
            bytes = try bytes + more()
        }
    }

    /// Whether `next` has an answer without waiting for who writes, as far as the system can tell.
    package var isReady: Bool {
        if hasEnded || bytes.contains(UInt8(ascii: "\n")) { return true }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, 0) != 0
    }

    private mutating func more() throws(SystemError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read \(name)") }
            hasEnded = count == 0
            return Array(chunk[..<count])
        }
    }

    private static func text(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }
}
