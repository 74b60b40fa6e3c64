internal import API
internal import Engine
internal import Models
internal import Support
internal import Tasks
internal import Zoo

/// A state that a client sends: nothing opens but what was sealed, which opens to the same bits; a changed byte is noticed.
func fuzzSeal(_ bytes: [UInt8]) {
    guard let model else { return require(false, "the model can be made") }
    let seal = StateSeal(key: Array("0123456789abcdef".utf8))
    let text = String(decoding: bytes, as: UTF8.self)
    require(attempt { try seal.open(text, for: model) } == nil, "a state cannot be guessed")
    let state = stride(from: 0, to: bytes.count / 4 * 4, by: 4).map { start in
        Float(bitPattern: bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) })
    }
    let sealed = seal.seal(state, of: model)
    let opened = attempt { try seal.open(sealed, for: model) }
    require(opened?.map(\.bitPattern) == state.map(\.bitPattern), "a state keeps its bits")
    var changed = Array(sealed.utf8)
    let place = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } % changed.count
    changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
    let other = String(decoding: changed, as: UTF8.self)
    // The last digit of base64 may have bits that say nothing.
    guard let again = attempt({ try seal.open(other, for: model) }) else { return }
    require(
        again.map(\.bitPattern) == state.map(\.bitPattern) && place > changed.count - 4,
        "a change is noticed"
    )
}

private let model: Model? =
    attempt { () throws -> Model? in
        let text =
            #"{"architecture": "gru", "task": "sequence-classification", "input": {"kind": "features", "size": 3}}"#
        let manifest = try Manifest(parsing: Array(text.utf8))
        let shapes: [String: Shape] = [
            "rnn.weight_ih_l0": [12, 3], "rnn.weight_hh_l0": [12, 4], "rnn.bias_ih_l0": [12],
            "rnn.bias_hh_l0": [12], "head.weight": [5, 4], "head.bias": [5],
        ]
        let architecture = try Architecture.named("gru")
        let graph = try architecture.graph(
            ArchitectureConfiguration(shapes: shapes, sequenceInput: .features(3))
        )
        guard case .features(let description) = manifest.input else { return nil }
        return try Model(
            name: "tiny",
            version: "1",
            manifest: manifest,
            architecture: architecture,
            main: (graph, Weights(synthetic: 1, for: graph)),
            input: .sequence(SequenceEncoder(description)),
            labels: nil
        )
    } ?? nil

/// What clients do to their sequences, two bytes an action: the table keeps its bounds, knows its bytes, and lets one
/// request at a time work on a sequence.
func fuzzSequences(_ bytes: [UInt8]) {
    let (capacity, capacityBytes) = (4, 160)
    var table = SequenceTable(capacity: capacity, capacityBytes: capacityBytes, timeToLive: .seconds(10))
    var now = ContinuousClock().now
    var busy: Set<Int> = []
    for pair in stride(from: 0, to: bytes.count - 1, by: 2) {
        let (action, argument) = (bytes[pair] % 6, Int(bytes[pair + 1]))
        let number = argument % 8
        let key = SequenceTable.Key(model: "m", version: "1", id: String(number))
        switch action {
        case 0, 1:
            let start = action == 0 ? [Float](repeating: 1, count: argument >> 4) : nil
            let step = argument & 8 == 0 ? nil : argument >> 5
            let begun = attempt { try table.begin(key, start: start, step: step, now: now) }
            require(begun == nil || !busy.contains(number), "one request at a time works on a sequence")
            if begun != nil { busy.insert(number) }
        case 2:
            guard busy.remove(number) != nil else { continue }
            let state = argument & 8 == 0 ? [Float](repeating: 2, count: argument >> 4) : nil
            table.finish(key, state: state, last: argument & 16 == 0 ? nil : (argument >> 5, [0]), now: now)
        case 3:
            guard busy.remove(number) != nil else { continue }
            table.abandon(key, now: now)
        case 4:
            let removed: Void? = attempt { try table.remove(key, now: now) }
            require(removed == nil || !busy.contains(number), "nobody removes what is worked on")
        default:
            now += .milliseconds(argument * 100)
            table.expire(now: now)
        }
        require(table.count >= 0 && table.bytes >= 0, "counts do not go below zero")
        // A sequence that is worked on is never forgotten to make room, so as many may be too many for a while.
        require(table.count <= capacity + busy.count, "the table keeps its capacity beside what is worked on")
    }
    for number in busy.sorted() {
        table.abandon(.init(model: "m", version: "1", id: String(number)), now: now)
    }
    table.expire(now: now + .seconds(11))
    require(table.count == 0 && table.bytes == 0, "an empty table holds nothing")
}
