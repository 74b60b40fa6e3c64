import Glibc

/// How the process ends before its time.
package enum ProcessEnd {
    /// Writes a message to standard error and ends the process with a status.
    package static func fail(status: Int32, _ message: String) -> Never {
        StandardStream.error.writeLine(message)
        exit(status)
    }

    /// Ends the process at once: nothing is flushed, no handler runs.
    package static func immediately(status: Int32) -> Never {
        _exit(status)
    }
}

/// Standard output and standard error, written without a buffer.
///
/// `print` buffers when its reader is a pipe, which is when a supervisor waits for a line.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Whether what is written goes to the journal, which takes a line's priority from a prefix such as `<3>`.
    ///
    /// - Source: systemd.exec(5), `JOURNAL_STREAM`: device and inode of the stream; sd-daemon(3) for the prefixes.
    package func isJournal(environment: [String: String]) -> Bool {
        var status = stat()
        guard let stream = environment["JOURNAL_STREAM"], unsafe fstat(rawValue, &status) == 0 else {
            return false
        }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Writes a line; a reader that has gone is not our failure.
    package func writeLine(_ line: String) { write(text: line + "\n") }

    /// Writes a text at once, though its line goes on; a reader that has gone is not our failure.
    package func write(text: String) {
        // Where even that cannot be said, there is nobody to tell.
        try? send(text)
    }

    /// Writes a text at once.
    ///
    /// - Throws: `SystemError` when it cannot be written, for example because the disk is full.
    package func send(_ text: String) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write to standard \(self)") }
            rest = rest.dropFirst(count)
        }
    }
}
