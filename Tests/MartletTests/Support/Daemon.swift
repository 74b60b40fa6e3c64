import API
import Foundation

/// A `martlet serve` process on a free loopback port.
///
/// Use `Daemon.serving`: it ends the process by SIGTERM and demands a clean exit.
final class Daemon {
    private(set) var port: UInt16 = 0
    private let process = Process()
    private let output = Pipe()
    private let log: URL
    private var isTerminating = false

    /// Starts a daemon, runs `body`, and stops the daemon.
    ///
    /// `notify` stands in for systemd's notify socket, and `listener` for a socket that systemd has opened. Throws what `body` throws, and `Failure` when the daemon does
    /// not start or does not exit with status 0.
    static func serving<Result>(
        _ models: URL = Repository.weights,
        notify: NotifySocket? = nil,
        listener: FileHandle? = nil,
        settings: [String] = [],
        environment: [String: String] = [:],
        _ body: (Daemon) throws -> Result
    ) throws -> Result {
        let daemon = try Daemon(models, notify, listener, settings, environment)
        defer { daemon.kill() }
        let result = try body(daemon)
        try daemon.stop()
        return result
    }

    /// What went wrong, with the end of the daemon's log.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private init(
        _ models: URL,
        _ notify: NotifySocket?,
        _ listener: FileHandle?,
        _ settings: [String],
        _ more: [String: String]
    ) throws {
        log = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let arguments = ["serve", "--models", models.path, "--port", "0"] + settings
        process.executableURL = Repository.daemon
        process.arguments = arguments
        if let listener {
            // The shell is the process that becomes the daemon, so it knows the daemon's number.
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments =
                ["-c", #"export LISTEN_PID=$$; exec "$0" "$@" 3<&0 0</dev/null"#, Repository.daemon.path]
                + arguments
            process.standardInput = listener
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        var environment = Repository.environment.merging(more) { $1 }
        if more["JOURNAL_STREAM"] == "stderr" { environment["JOURNAL_STREAM"] = try Self.stream(log) }
        if listener != nil {
            environment["LISTEN_FDS"] = "1"
            environment["LISTEN_FDNAMES"] = "http"
        }
        environment["NOTIFY_SOCKET"] = notify?.path
        process.environment = environment
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: log)
        try startWithDefaultSignalMask()
        do {
            port = try listeningPort()
        } catch {
            kill()
            throw error
        }
        output.fileHandleForReading.readabilityHandler = { _ = $0.availableData }
    }

    /// Device and inode of a file, as `JOURNAL_STREAM` has them.
    private static func stream(_ file: URL) throws -> String {
        var status = stat()
        guard stat(file.path, &status) == 0 else { throw Failure(description: "\(file.path) is not there") }
        return "\(status.st_dev):\(status.st_ino)"
    }

    /// A child inherits the signal mask of the thread that starts it, and the threads that run tests block nearly all.
    private func startWithDefaultSignalMask() throws {
        var none = sigset_t()
        var previous = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        try process.run()
    }

    /// Reads standard output up to the line that names the address.
    private func listeningPort() throws -> UInt16 {
        var text = ""
        while true {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if lines.contains(where: { $0.hasPrefix("serving ") }),
                let line = lines.first(where: { $0.hasPrefix("listening on http://") }),
                let port = line.split(separator: ":").last.flatMap({ UInt16($0) })
            {
                return port
            }
            let handle = output.fileHandleForReading
            var wanted = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 60_000) > 0 else { throw failure("did not serve within a minute") }
            let data = handle.availableData
            guard !data.isEmpty else { throw failure("ended without serving") }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    /// Asks the daemon to drain and end, and waits for it.
    ///
    /// - Throws: `Failure` when it does not exit with status 0.
    func stop() throws {
        terminate()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw failure("ended with \(process.terminationReason) \(process.terminationStatus)")
        }
    }

    /// Sends SIGTERM and does not wait; only once, since a second one ends the daemon without a drain.
    func terminate() {
        if !isTerminating { process.terminate() }
        isTerminating = true
    }

    /// Sends SIGHUP.
    func hangUp() { Glibc.kill(process.processIdentifier, SIGHUP) }

    /// What it has written to standard error.
    func written() throws -> String { try String(contentsOf: log, encoding: .utf8) }

    private func kill() {
        if process.isRunning {
            Glibc.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        output.fileHandleForReading.readabilityHandler = nil
        try? FileManager.default.removeItem(at: log) // it may be gone already
    }

    private func failure(_ what: String) -> Failure {
        // The log only adds to the message.
        let written = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return Failure(description: "the daemon \(what); its log ends: \(written.suffix(2000))")
    }
}

/// What the kernel says of the process.
extension Daemon {
    /// Open file descriptors.
    func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd").count
    }

    /// Resident memory that is the process's own: without the mapped weights.
    func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
            let kibibytes = line.split(separator: " ").dropLast().last.flatMap({ Int($0.filter(\.isNumber)) })
        else { throw failure("has no RssAnon line in /proc") }
        return kibibytes * 1024
    }

    /// Whether one of the process's sockets is in the state LISTEN.
    func isListening() throws -> Bool {
        let listening = "0A"
        let folder = "/proc/\(process.processIdentifier)/fd"
        let targets = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            // A descriptor closed meanwhile has no target.
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        let table = try String(contentsOfFile: "/proc/\(process.processIdentifier)/net/tcp", encoding: .utf8)
        return table.split(separator: "\n").dropFirst().contains { line in
            let columns = line.split(separator: " ")
            return columns.count > 9 && columns[3] == listening && targets.contains("socket:[\(columns[9])]")
        }
    }
}
