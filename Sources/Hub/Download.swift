internal import Platform
internal import Support

/// Brings one file, beginning where an earlier try ended, and checks its size and SHA-256.
///
/// What has come is on the disk at once, under a name of its own, with the server's name for the contents (`ETag`) beside
/// it: whatever ends the process, the next one goes on. A server whose file has changed meanwhile sends it whole, and so
/// does one that knows nothing of ranges.
/// - Source: RFC 9110, §13.1.5 (If-Range), §14.2 (Range).
struct Download {
    let file: RemoteFile
    let folder: String
    let fetcher: Fetcher
    let report: (PullEvent) -> Void

    private var path: String { "\(folder)/\(file.partialName)" }
    private var tagPath: String { "\(path).tag" }

    /// How many bytes of a file are there.
    static func bytesThere(of file: RemoteFile, in folder: String) -> Int {
        (try? ReadableFile(path: "\(folder)/\(file.partialName)"))?.count ?? 0 // there need not be any
    }

    /// What a download goes by while it runs.
    private final class Progress {
        let part: PartialFile
        var total: Int?
        /// What the hub has said of the contents.
        var sha256: String?
        var isBegun = false

        init(_ part: PartialFile, _ file: RemoteFile) {
            self.part = part
            total = file.size
            sha256 = file.sha256
        }
    }

    /// Brings the file.
    ///
    /// - Returns: its path, and what was found out about it.
    /// - Throws: `PullError`, `SystemError`.
    func run() throws -> (path: String, file: PulledFile) {
        let progress = Progress(try PartialFile(path: path), file)
        let resumed = prepare(progress)
        report(.began(file.name, bytes: file.size, have: resumed))
        do {
            try fetcher.retrying(file.name, at: file.address, progress: { progress.part.count }) {
                try bring(progress)
            }
        } catch let error as SystemError where error.isOutOfSpace {
            let free = (try? Folder.freeBytes(at: folder)) ?? 0 // it only adds to the message
            throw PullError.full(folder, needed: (progress.total ?? 0) - progress.part.count, free: free)
        }
        try progress.part.keep()
        report(.checking(file.name))
        let digest = try check(progress)
        return (
            path, PulledFile(name: file.name, bytes: progress.part.count, sha256: digest, resumed: resumed)
        )
    }

    /// Leaves of what is there what can be gone on with.
    private func prepare(_ progress: Progress) -> Int {
        let isTooLong = file.size.map { progress.part.count > $0 } ?? false
        // Without the server's name for the contents and without their hash nobody would notice that they changed.
        let isUnknown = file.sha256 == nil && tag == nil
        if isTooLong || isUnknown { try? progress.part.truncate(to: 0) } // else the check finds it
        return progress.part.count
    }

    private var tag: String? {
        guard let bytes = try? FileContents.read(tagPath, maxBytes: 1 << 12) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func bring(_ progress: Progress) throws {
        let have = progress.part.count
        if let total = progress.total, have == total { return }
        var fields: [String] = []
        if have > 0 {
            fields.append("Range: bytes=\(have)-")
            if let tag { fields.append("If-Range: \(tag)") }
        }
        progress.isBegun = false
        do {
            let answer = try fetcher.once(file.address, fields: fields) { head, bytes in
                if !progress.isBegun { try begin(progress, head) }
                progress.isBegun = true
                if let total = progress.total, progress.part.count + bytes.count > total {
                    throw PullError.wrongSize(
                        file.name,
                        expected: total,
                        found: progress.part.count + bytes.count
                    )
                }
                try unsafe progress.part.append(bytes.bytes)
                report(.received(bytes.count))
            }
            if let tag = answer.linkedTag.map({ $0.filter { $0 != "\"" } }), progress.sha256 == nil,
                tag.utf8.count == 64, tag.allSatisfy(\.isHexDigit)
            {
                progress.sha256 = tag.lowercased()
            }
        } catch let refusal as Fetcher.Refusal where refusal.status == 416 && have > 0 {
            // The file is not as long as what is here.
            try restart(progress)
            throw PullError.cutShort(file.name, have: 0, of: progress.total)
        }
        guard let total = progress.total else {
            progress.total = progress.part.count // the connection's end is the file's
            return
        }
        guard progress.part.count == total else {
            throw PullError.cutShort(file.name, have: progress.part.count, of: total)
        }
    }

    /// Looks at what an answer is before its body is taken.
    private func begin(_ progress: Progress, _ head: WebClient.Head) throws {
        guard let place = BodyPlace(head), place.start == 0 || place.start == progress.part.count else {
            throw PullError.answer(
                host: file.address.host,
                "it sends another part of \(file.name) than was asked for"
            )
        }
        if place.start == 0, progress.part.count > 0 { try restart(progress) }
        if let total = place.total, let expected = file.size, total != expected {
            throw PullError.wrongSize(file.name, expected: expected, found: total)
        }
        progress.total = file.size ?? place.total
        try note(head.fields["etag"])
        guard let total = progress.total else { return }
        let (needed, free) = (total - progress.part.count, try Folder.freeBytes(at: folder))
        guard needed <= free else { throw PullError.full(folder, needed: needed, free: free) }
    }

    private func restart(_ progress: Progress) throws {
        report(.received(-progress.part.count))
        try progress.part.truncate(to: 0)
    }

    /// Keeps the server's name for the contents; a weak one (`W/`) may not be compared here (RFC 9110, §13.1.5).
    private func note(_ tag: String?) throws {
        guard let tag, tag.hasPrefix("\""), tag.utf8.count < 1 << 12 else { return }
        let output = try OutputFile(path: tagPath)
        try output.write(Array(tag.utf8))
        try output.commit()
    }

    private func check(_ progress: Progress) throws -> String {
        let found = try Self.sha256(path)
        guard let expected = progress.sha256, !found.hasPrefix(expected) else { return found }
        try progress.part.truncate(to: 0)
        throw PullError.wrongHash(file.name, expected: expected, found: String(found.prefix(expected.count)))
    }

    private static func sha256(_ path: String) throws(SystemError) -> String {
        let file = try ReadableFile(path: path)
        var (hash, offset) = (SHA256(), 0)
        while true {
            let bytes = try file.bytes(1 << 20, at: offset)
            if bytes.isEmpty { return hexadecimal(hash.finish()) }
            hash.update(bytes.span)
            offset += bytes.count
        }
    }
}
