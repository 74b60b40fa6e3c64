internal import Platform

/// Bytes that wait to be written, in order.
package struct Outbound: Sendable {
    private var segments: [[UInt8]] = []
    private var offset = 0
    /// How many bytes wait.
    package private(set) var count = 0
    /// How many bytes have been written so far.
    private(set) var written = 0
    /// How many bytes have been added so far.
    var appended: Int { written + count }

    package var isEmpty: Bool { count == 0 }

    /// The next bytes; not empty unless this is.
    package var first: [UInt8] { segments.first ?? [] }
    /// How many of `first` have been written.
    package var firstOffset: Int { offset }

    /// Adds bytes; small ones join what waits already, so that they leave in one write.
    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        if let last = segments.indices.last, segments[last].count + bytes.count <= 32 * 1024 {
            segments[last].append(contentsOf: bytes)
        } else {
            segments.append(bytes)
        }
    }

    /// Forgets the first `written` bytes.
    mutating func advance(by written: Int) {
        precondition(written <= count, "\(written) of \(count) bytes written")
        count -= written
        self.written += written
        offset += written
        var finished = 0
        while finished < segments.count, offset >= segments[finished].count {
            offset -= segments[finished].count
            finished += 1
        }
        segments.removeFirst(finished)
        if segments.isEmpty { segments = [] } // an idle connection holds no memory
    }

    /// Drops what waits.
    mutating func removeAll() {
        segments = []
        (count, offset) = (0, 0)
    }
}
