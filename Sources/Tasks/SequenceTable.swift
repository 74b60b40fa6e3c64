internal import DequeModule

/// The sequences that go on between requests: the state of each, how long it is kept, and who works on it.
///
/// A value without a lock or a clock. A sequence that nobody has touched for its time to live is forgotten, as is the one
/// that was not used for longest when there is no room for another; both are remembered for a while, so that their
/// clients learn what happened. One that a request works on is never forgotten. One that starts takes its place when its
/// first request has succeeded, so a request that fails costs nobody else's sequence. A client that keeps as many as it may
/// starts no other, so that it costs nobody else's either.
package struct SequenceTable: Sendable {
    /// What names a sequence.
    package struct Key: Hashable, Sendable {
        package let model: String
        package let version: String
        package let id: String
        /// Whose it is: others neither see it nor are in its way.
        package let owner: String

        package init(model: String, version: String, id: String, owner: String = "") {
            self.model = model
            self.version = version
            self.id = id
            self.owner = owner
        }
    }

    /// Why a sequence cannot go on.
    package enum Fault: Error, Equatable {
        /// Nobody has started it.
        case unknown
        /// Its time to live passed.
        case expired
        /// It had to make room.
        case evicted
        /// The model has other weights than those that made its state.
        case replaced
        /// A request works on it now.
        case busy
        /// There is no room, and every sequence is worked on.
        case full
        /// The client keeps as many as it may.
        case tooMany(limit: Int)
        /// The client counts its steps, and this is neither the last again nor the next.
        case step(expected: Int)
    }

    /// What has happened so far.
    package struct Counts: Sendable, Equatable {
        package var started = 0
        package var ended = 0
        package var expired = 0
        package var evicted = 0
        package var conflicts = 0
    }

    private struct Entry {
        /// What tells the weights that made the state.
        var weights: [UInt8]
        /// Nil while its first request is not done.
        var state: [Float]?
        /// The number of the step that led to `state`, where its client counts, and the state before it.
        var last: (step: Int, from: [Float])?
        /// Who started it.
        let client: String
        var isBusy: Bool
        /// The number of its last record in `uses`.
        var use: Int

        var bytes: Int { ((state?.count ?? 0) + (last?.from.count ?? 0)) * MemoryLayout<Float>.stride }
    }

    private struct Use {
        let number: Int
        let key: Key
        let time: ContinuousClock.Instant
    }

    private let capacity: Int
    private let capacityPerClient: Int
    private let capacityBytes: Int
    private let timeToLive: Duration
    private var entries: [Key: Entry] = [:]
    /// How many entries are worked on, and how many of them have no state yet.
    private var busy = 0
    private var starting = 0
    /// How many sequences each client has, those that start included.
    private var held: [String: Int] = [:]
    /// Every use in order; those that a later one of the same sequence has replaced are skipped.
    private var uses = Deque<Use>()
    private var lastUse = 0
    /// What the states take.
    package private(set) var bytes = 0
    private var forgotten: [Key: Fault] = [:]
    private var forgottenOrder = Deque<Key>()
    package private(set) var counts = Counts()

    /// - Parameters:
    ///   - capacity: how many sequences are kept, and how many forgotten ones are remembered.
    ///   - capacityPerClient: how many one client may have.
    ///   - capacityBytes: how much their states may take together.
    ///   - timeToLive: how long an unused one is kept.
    package init(
        capacity: Int,
        capacityPerClient: Int = .max,
        capacityBytes: Int = .max,
        timeToLive: Duration
    ) {
        precondition(capacity > 0 && capacityPerClient > 0, "a table for \(capacity) sequences")
        self.capacity = capacity
        self.capacityPerClient = capacityPerClient
        self.capacityBytes = capacityBytes
        self.timeToLive = timeToLive
    }

    /// How many sequences are kept.
    package var count: Int { entries.count - starting }

    /// Whether a sequence is kept, or begins.
    package func contains(_ key: Key) -> Bool { entries[key] != nil }

    /// Begins to work on a sequence, which nobody else can until `finish` or `abandon`.
    ///
    /// - Parameters:
    ///   - key: which.
    ///   - client: who asks; a sequence that starts counts as this client's.
    ///   - weights: what tells the weights that take it further; a state that others have made is of no use to them.
    ///   - start: the state of a sequence that starts here, empty for zeros; nil when it goes on.
    ///   - step: the number of this step, where the client counts; the last one again goes on from the same state.
    ///   - now: the time.
    /// - Returns: the state from which it goes on.
    /// - Throws: why it cannot.
    package mutating func begin(
        _ key: Key,
        of client: String = "",
        weights: [UInt8] = [],
        start: [Float]?,
        step: Int? = nil,
        now: ContinuousClock.Instant
    ) throws(Fault) -> [Float] {
        expire(now: now)
        if entries[key]?.isBusy == true {
            counts.conflicts += 1
            throw .busy
        }
        if let start {
            // A start that fails leaves the state before it, but not to weights that did not make it.
            if let entry = entries[key], entry.weights != weights { set(key, nil) }
            if entries[key] == nil {
                guard busy < capacity else { throw .full }
                guard held[client, default: 0] < capacityPerClient else {
                    throw .tooMany(limit: capacityPerClient)
                }
                starting += 1
            }
            forgotten[key] = nil
            counts.started += 1
            work(on: key, of: client, weights, now: now)
            return start
        }
        guard let entry = entries[key], let state = entry.state else { throw forgotten[key] ?? .unknown }
        guard entry.weights == weights else {
            counts.expired += 1
            forget(key, .replaced)
            throw .replaced
        }
        guard let step, let last = entry.last else {
            work(on: key, of: client, weights, now: now)
            return state
        }
        guard step == last.step || step == last.step + 1 else { throw .step(expected: last.step + 1) }
        work(on: key, of: client, weights, now: now)
        return step == last.step ? last.from : state
    }

    /// Ends the work on a sequence.
    ///
    /// - Parameters:
    ///   - key: which; it was begun.
    ///   - state: from where it goes on; nil ends the sequence.
    ///   - last: the number of the step that was done, and the state before it, where the client counts.
    ///   - now: the time.
    package mutating func finish(
        _ key: Key,
        state: [Float]?,
        last: (step: Int, from: [Float])? = nil,
        now: ContinuousClock.Instant
    ) {
        if state == nil { counts.ended += 1 }
        rest(key, in: state, last, now: now)
    }

    /// Gives up the work on a sequence, which stays as it was before.
    package mutating func abandon(_ key: Key, now: ContinuousClock.Instant) {
        rest(key, in: entries[key]?.state, entries[key]?.last, now: now)
    }

    /// Forgets a sequence because its client wants that.
    ///
    /// - Throws: why there is none to forget, or that a request works on it.
    package mutating func remove(_ key: Key, now: ContinuousClock.Instant) throws(Fault) {
        expire(now: now)
        guard let entry = entries[key] else { throw forgotten[key] ?? .unknown }
        if entry.isBusy {
            counts.conflicts += 1
            throw .busy
        }
        set(key, nil)
        counts.ended += 1
    }

    /// Forgets what nobody has used for too long.
    package mutating func expire(now: ContinuousClock.Instant) {
        while let use = uses.first, use.time + timeToLive <= now {
            uses.removeFirst()
            guard let entry = entries[use.key], entry.use == use.number, !entry.isBusy else { continue }
            counts.expired += 1
            forget(use.key, .expired)
        }
    }

    private mutating func work(
        on key: Key,
        of client: String,
        _ weights: [UInt8],
        now: ContinuousClock.Instant
    ) {
        var entry = entries[key] ?? Entry(weights: weights, client: client, isBusy: true, use: 0)
        (entry.weights, entry.isBusy) = (weights, true)
        set(key, entry)
        busy += 1
        touch(key, now: now)
    }

    /// Ends the work on a sequence, which is kept where there is a state to go on from.
    private mutating func rest(
        _ key: Key,
        in state: [Float]?,
        _ last: (step: Int, from: [Float])?,
        now: ContinuousClock.Instant
    ) {
        guard let entry = entries[key], entry.isBusy else { return }
        busy -= 1
        if entry.state == nil { starting -= 1 }
        set(key, nil)
        guard let state else { return }
        let rested = Entry(
            weights: entry.weights,
            state: state,
            last: last,
            client: entry.client,
            isBusy: false,
            use: 0
        )
        makeRoom(for: rested.bytes)
        set(key, rested)
        touch(key, now: now)
    }

    /// Forgets the sequences that were not used for longest until there is a place for one more, as far as requests
    /// do not work on all others.
    private mutating func makeRoom(for needed: Int) {
        while count >= capacity || bytes > capacityBytes - needed, let use = uses.first {
            uses.removeFirst()
            // One that is worked on gets a new record when that ends.
            guard let entry = entries[use.key], entry.use == use.number, !entry.isBusy else { continue }
            counts.evicted += 1
            forget(use.key, .evicted)
        }
    }

    private mutating func set(_ key: Key, _ entry: Entry?) {
        let before = entries[key]
        bytes += (entry?.bytes ?? 0) - (before?.bytes ?? 0)
        if let before, let count = held[before.client] { held[before.client] = count > 1 ? count - 1 : nil }
        if let entry { held[entry.client, default: 0] += 1 }
        entries[key] = entry
    }

    private mutating func forget(_ key: Key, _ reason: Fault) {
        set(key, nil)
        forgotten[key] = reason
        forgottenOrder.append(key)
        while forgottenOrder.count > capacity, let oldest = forgottenOrder.first {
            forgottenOrder.removeFirst()
            forgotten[oldest] = nil
        }
    }

    private mutating func touch(_ key: Key, now: ContinuousClock.Instant) {
        lastUse += 1
        entries[key]?.use = lastUse
        uses.append(Use(number: lastUse, key: key, time: now))
        // Records that were replaced are dropped before they outnumber the others.
        guard uses.count > 2 * entries.count + 64 else { return }
        uses.removeAll { [entries] use in entries[use.key]?.use != use.number }
    }
}
