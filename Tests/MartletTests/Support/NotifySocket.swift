import Foundation

/// The receiving end of systemd's notification protocol.
final class NotifySocket {
    /// What goes into `NOTIFY_SOCKET`.
    let path: String
    private let descriptor: Int32

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "notify-\(UUID().uuidString)").path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafeBytes(of: &address) { bytes in
            bind(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
        }
        guard bound == 0 else { throw Client.Failure("bind \(path): errno \(errno)") }
        Client.setReceiveLimit(of: descriptor)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// Waits for the message that has the line `wanted`; returns the lines of all messages up to it.
    ///
    /// - Throws: `Client.Failure` when none comes.
    func receive(until wanted: String) throws -> [String] {
        var lines: [String] = []
        while !lines.contains(wanted) {
            var message = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &message, message.count, 0)
            guard count >= 0 else { throw Client.Failure("no \(wanted) among \(lines): errno \(errno)") }
            lines += String(decoding: message[..<count], as: UTF8.self).split(separator: "\n").map(
                String.init
            )
        }
        return lines
    }
}
