import Glibc

/// Tells what happens in folders as it happens (`inotify`).
///
/// One thread adds folders and waits; any thread may end it.
package final class FolderWatch: Sendable {
    /// A name appeared in a folder, or a file of that name was written to its end.
    package struct Event: Sendable, Equatable {
        /// As `add` returned it.
        package let folder: Int32
        package let name: String
        package let isFolder: Bool
    }

    /// What was seen since the last time.
    package struct Events: Sendable {
        package fileprivate(set) var all: [Event] = []
        /// Whether there was too much to be told: everything has to be looked through.
        package fileprivate(set) var isOverflown = false
    }

    private let descriptor: Descriptor
    private let waker: Waker

    /// - Throws: `SystemError` when the user watches too much already.
    package init() throws(SystemError) {
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard number >= 0 else { throw SystemError("inotify_init1") }
        descriptor = Descriptor(owning: number)
        waker = try Waker()
    }

    /// Watches a folder; once more is the same again.
    ///
    /// - Returns: what its events have as their `folder`.
    /// - Throws: `SystemError` when it is none, cannot be read, or too much is watched.
    package func add(_ path: String) throws(SystemError) -> Int32 {
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)
        let number = unsafe inotify_add_watch(descriptor.number, path, mask)
        guard number >= 0 else { throw SystemError("watch \(path)") }
        return number
    }

    /// Waits until something happens, and returns it; nil once the watch was ended.
    ///
    /// - Throws: `SystemError` on a programming error only.
    package func next() throws(SystemError) -> Events? {
        var wanted = [descriptor.number, waker.number].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while unsafe poll(&wanted, 2, -1) < 0 {
            guard errno == EINTR else { throw SystemError("poll") }
        }
        if wanted[1].revents != 0 { return nil }
        return read()
    }

    /// Ends the wait, now and from now on.
    package func end() { waker.wake() }

    private func read() -> Events {
        var events = Events()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe Glibc.read(descriptor.number, &buffer, buffer.count)
        var rest = buffer[..<max(0, count)]
        // struct inotify_event: the watch, the mask, a cookie and the name's length, 4 bytes each, then the name.
        while rest.count >= 16 {
            func number(_ place: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(rest[rest.startIndex + place + $1]) << (8 * UInt32($1)) }
            }
            let (folder, mask, length) = (Int32(bitPattern: number(0)), number(4), Int(number(12)))
            let name = String(decoding: rest.dropFirst(16).prefix(length).prefix { $0 != 0 }, as: UTF8.self)
            rest = rest.dropFirst(16 + length)
            if mask & UInt32(IN_Q_OVERFLOW) != 0 { events.isOverflown = true }
            guard mask & UInt32(IN_IGNORED) == 0, !name.isEmpty else { continue }
            events.all.append(Event(folder: folder, name: name, isFolder: mask & UInt32(IN_ISDIR) != 0))
        }
        return events
    }
}
