package import Platform
internal import Synchronization

/// A request's body as it came, packed: whoever wants to read it unpacks it, once, on a thread that may compute.
package final class PackedBody: Sendable {
    package let coding: ContentCoding
    /// How many bytes came.
    package let count: Int
    private let bytes: Mutex<[UInt8]>

    package init(_ bytes: [UInt8], _ coding: ContentCoding) {
        self.coding = coding
        count = bytes.count
        self.bytes = Mutex(bytes)
    }

    /// Gives the bytes away, so that nobody holds them beside what they become.
    fileprivate func take() -> [UInt8] {
        bytes.withLock { bytes in
            defer { bytes = [] }
            return bytes
        }
    }
}

/// How large a body may become.
package struct UnpackingLimits: Sendable, Equatable {
    /// The unpacked body; more is 413.
    package var maxBytes: Int
    /// How many times its own size a packed body may become, beyond the first mebibyte; more is 413.
    package var maxRatio: Int

    package init(maxBytes: Int, maxRatio: Int) {
        self.maxBytes = maxBytes
        self.maxRatio = maxRatio
    }

    /// So much may come of any body: zeros are packed a thousand to one, and a small tensor of them is no bomb.
    static let freeBytes = 1 << 20

    /// Whether what so many packed bytes have become is too much.
    func exceedsRatio(_ unpacked: Int, of packed: Int) -> Bool {
        unpacked > Self.freeBytes && unpacked / max(1, packed) >= maxRatio
    }
}

/// Why a body could not be unpacked.
package enum UnpackingFailure: Error, Equatable {
    /// It would have more bytes than the limit.
    case tooLarge(limit: Int)
    /// It is so much larger than what came that it is taken for a bomb.
    case ratio(limit: Int)
    /// It is none of its coding, or its checksum is wrong.
    case corrupt(ContentCoding)
    /// It ends too early.
    case truncated(ContentCoding)
    /// There is no room for it.
    case memoryFull(wanted: Int)
}

extension Request {
    /// The request with its body unpacked; the packed bytes are let go.
    ///
    /// What is unpacked is leased as it grows, and the limits are looked at meanwhile: what would be too large is never there.
    ///
    /// - Parameters:
    ///   - limits: how large the body may become.
    ///   - budget: what it is leased from.
    ///   - check: called now and then; what it throws ends the unpacking.
    /// - Returns: this request itself where its body is not packed.
    /// - Throws: `UnpackingFailure`, and what `check` throws.
    package func unpacked(
        _ limits: UnpackingLimits,
        from budget: MemoryBudget,
        check: () throws -> Void
    ) throws -> Request {
        guard let packed else { return self }
        guard let room = budget.lease(0, for: .bodies) else { throw UnpackingFailure.memoryFull(wanted: 0) }
        var unpacking = Unpacking(packed.take(), packed.coding, limits, room)
        let body = try unpacking.body(check: check)
        _ = lease?.resize(to: 0) // gives back what the packed bytes took
        return Request(of: self, body: body, lease: room)
    }
}

/// The unpacking of one body.
private struct Unpacking {
    private static let piece = 64 * 1024

    private let bytes: [UInt8]
    private let coding: ContentCoding
    private let limits: UnpackingLimits
    private let lease: MemoryLease
    private var body: [UInt8] = []

    init(_ bytes: [UInt8], _ coding: ContentCoding, _ limits: UnpackingLimits, _ lease: MemoryLease) {
        self.bytes = bytes
        self.coding = coding
        self.limits = limits
        self.lease = lease
    }

    /// What stands around the packed bytes: a client that says deflate may mean RFC 1951 or, as HTTP does, RFC 1950.
    private var format: Inflater.Format {
        guard coding == .deflate else { return .gzip }
        guard bytes.count > 1 else { return .zlib }
        let isZlib = bytes[0] & 0x8F == 8 && (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
        return isZlib ? .zlib : .raw
    }

    mutating func body(check: () throws -> Void) throws -> [UInt8] {
        let inflater: Inflater
        do { inflater = try Inflater(format) } catch { throw UnpackingFailure.memoryFull(wanted: 0) }
        var piece = [UInt8](repeating: 0, count: Self.piece)
        var used = 0
        while true {
            try check()
            let step: Inflater.Step
            do {
                var room = piece.mutableSpan
                step = try inflater.inflate(bytes.span.extracting(used...), into: &room)
            } catch {
                throw error == .corrupt ? UnpackingFailure.corrupt(coding) : .memoryFull(wanted: 0)
            }
            used += step.consumed
            try grow(to: body.count + step.produced, of: used)
            body.append(copying: piece.span.extracting(..<step.produced))
            if step.isEnd {
                guard used < bytes.count else { return body }
                try begin(inflater, at: used)
            } else if used == bytes.count, step.produced < Self.piece {
                // Room was left: all that came is unpacked, and the end has not come.
                throw UnpackingFailure.truncated(coding)
            }
        }
    }

    /// Goes on behind the end of a stream: gzip's may follow each other (RFC 1952 §2.2).
    private func begin(_ inflater: Inflater, at used: Int) throws(UnpackingFailure) {
        guard coding == .gzip, bytes[used...].starts(with: [0x1F, 0x8B]) else { throw .corrupt(coding) }
        inflater.reset()
    }

    /// Makes room for so many bytes, unless they are too many; `used` of the packed ones have become them.
    private mutating func grow(to size: Int, of used: Int) throws(UnpackingFailure) {
        guard size <= limits.maxBytes else { throw .tooLarge(limit: limits.maxBytes) }
        guard !limits.exceedsRatio(size, of: used) else { throw .ratio(limit: limits.maxRatio) }
        guard size > body.capacity else { return }
        let capacity = min(limits.maxBytes, max(size, body.isEmpty ? announced : body.capacity * 2))
        // Both are there while the one is copied to the other.
        guard lease.resize(to: body.capacity + capacity) else { throw .memoryFull(wanted: capacity) }
        body.reserveCapacity(capacity)
        _ = lease.resize(to: capacity)
    }

    /// How large gzip's last four bytes say that the body is, as far as a body of this size can be.
    private var announced: Int {
        guard coding == .gzip, bytes.count >= 18 else { return min(bytes.count * 4, limits.maxBytes) }
        let size = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return min(size, max(UnpackingLimits.freeBytes, bytes.count * limits.maxRatio))
    }
}
