import Glibc

/// The file of a UNIX socket that listens: made where no other daemon listens, removed when its owner lets go of it.
final class SocketFile: Sendable {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    private init(_ path: String, _ status: stat) {
        self.path = path
        (device, inode) = (status.st_dev, status.st_ino)
    }

    deinit {
        // Whatever lies there by now and is another file is somebody else's.
        guard let found = Self.status(of: path), found.st_dev == device, found.st_ino == inode else { return }
        unsafe unlink(path)
    }

    /// Binds a socket to a path and has it listen.
    ///
    /// A socket that nobody listens at any more, such as a daemon leaves that was killed, is replaced. Daemons that start at
    /// the same time do this one after another, by a lock on the folder.
    /// - Throws: `SystemError` when another daemon listens there, another file is there, or the folder cannot be written.
    static func listen(
        _ socket: borrowing Descriptor,
        at path: String,
        _ address: SocketAddress,
        mode: UInt32,
        backlog: Int32,
        action: String
    ) throws(SystemError) -> SocketFile {
        let folder = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        let number = unsafe open(folder.isEmpty ? "/" : String(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(action) }
        let lock = Descriptor(owning: number) // and with it the lock goes
        guard flock(lock.number, LOCK_EX) == 0 else { throw SystemError(action) }
        try removeStale(path, address, action)
        // The file is never more open than it may be: the kernel gives it the socket's own mode.
        fchmod(socket.number, mode & 0o600)
        guard unsafe address.withSocketAddress({ unsafe bind(socket.number, $0, $1) }) == 0,
            unsafe chmod(path, mode) == 0, Glibc.listen(socket.number, backlog) == 0,
            let status = status(of: path)
        else { throw SystemError(action) }
        return SocketFile(path, status)
    }

    private static func removeStale(
        _ path: String,
        _ address: SocketAddress,
        _ action: String
    ) throws(SystemError) {
        guard let found = status(of: path) else { return }
        guard found.st_mode & S_IFMT == S_IFSOCK else {
            throw SystemError("\(action): there is a file that is no socket", code: EEXIST)
        }
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let number = socket(AF_UNIX, Int32(type), 0)
        guard number >= 0 else { throw SystemError(action) }
        let probe = Descriptor(owning: number)
        let result = unsafe address.withSocketAddress { unsafe connect(probe.number, $0, $1) }
        // A full queue of connections is one that somebody has, too.
        guard result != 0, errno != EAGAIN else { throw SystemError(action, code: EADDRINUSE) }
        guard errno == ECONNREFUSED else { throw SystemError(action) }
        unsafe unlink(path)
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }
}
