internal import API
internal import Imaging
internal import Models
internal import Support
internal import Tasks

/// A JSON text: skipping takes exactly what reading takes, and a value written and read again is the same value.
func fuzzJSON(_ bytes: [UInt8]) {
    let value = attempt { try JSONValue(parsing: bytes) }
    let isSkipped: Void? = attempt {
        var reader = JSONPullReader(bytes)
        try reader.skip()
        try reader.end()
    }
    require((isSkipped != nil) == (value != nil), "skipping takes what reading takes")
    var floats: [Float] = []
    let isTensor: Void? = attempt {
        var reader = JSONPullReader(bytes)
        try reader.tensor(into: &floats, atMost: bytes.count)
        try reader.end()
    }
    require(isTensor == nil || value != nil, "a tensor is JSON")
    guard let value else { return }
    require(attempt { try JSONValue(parsing: value.encoded) } == value, "a written value reads the same")
    require(attempt { try JSONValue(parsing: bytes, maxValues: 0) } == nil, "a bound on values holds")
}

/// The instances of `:predict`, for each kind of model: what is read fits the model, and a fault never ends the reading of
/// what is JSON.
func fuzzInstances(_ bytes: [UInt8]) {
    let isJSON = attempt { try JSONValue(parsing: bytes) } != nil
    for input in inputs {
        var reader = JSONPullReader(bytes)
        let read = attempt {
            let read = try InstanceReader(input).read(&reader)
            try reader.end()
            return read
        }
        require((read != nil) == isJSON, "an instance is read if it is JSON")
        guard case .success(let instance)? = read else { continue }
        switch instance {
        case .tokens(let tokens):
            require(tokens.allSatisfy { 0..<7 ~= $0 } && 1...4 ~= tokens.count, "tokens fit the model")
        case .features(let numbers):
            require(numbers.count % 3 == 0 && 1...4 ~= numbers.count / 3, "features fit the model")
            require(numbers.allSatisfy(\.isFinite), "features are finite")
        case .words(let words): require(1...4 ~= words.count, "words fit the model")
        case .image, .text, .clip, .tensor: break
        }
        if case .sequence(let encoder) = input { encode(instance, by: encoder) }
    }
}

private func encode(_ instance: Instance, by encoder: SequenceEncoder) {
    let encoded: SequenceEncoder.Encoded? =
        attempt {
            switch instance {
            case .text(let text): return try encoder.encode(text: text)
            case .words(let words): return try encoder.encode(words: words)
            default: return nil
            }
        } ?? nil
    guard let encoded else { return }
    require(1...4 ~= encoded.steps, "an encoded text keeps its length")
}

/// A model of each kind, with sequences of at most 4 steps.
private let inputs: [Model.Input] = {
    let descriptions = [
        #"{"kind": "tokens", "size": 7, "max_length": 4}"#,
        #"{"kind": "features", "size": 3, "max_length": 4}"#,
        #"{"kind": "text", "tokenizer": "bytes", "max_length": 4}"#,
    ]
    let sequences = descriptions.compactMap { description -> Model.Input? in
        let text = #"{"architecture": "gru", "task": "sequence-classification", "input": \#(description)}"#
        switch attempt({ try Manifest(parsing: Array(text.utf8)) })?.input {
        case .tokens(let tokens)?: return .sequence(SequenceEncoder(tokens))
        case .features(let features)?: return .sequence(SequenceEncoder(features))
        case .text(let text)?:
            return attempt { try SequenceEncoder(text, vocabularies: [:]) }.map(Model.Input.sequence)
        default: return nil
        }
    }
    require(sequences.count == descriptions.count, "the descriptions are valid")
    return sequences + [.image(.init())]
}()
