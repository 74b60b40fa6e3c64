import Engine
import Foundation
import HTTP
import Inference
import Models
import Platform
import Support
import Synchronization
import Tasks
import Testing

struct TextGeneratorTests: Sendable {
    private let folder: TemporaryFolder
    private let registry: Registry
    private let scheduler: Scheduler

    init() throws {
        folder = try TemporaryFolder()
        registry = try CharacterModel.registry(in: folder)
        scheduler = try Scheduler(threads: 2)
    }

    private func generate(
        _ prompt: String,
        model: String = "letters",
        seed: UInt64 = 1,
        _ change: (inout TextGenerator.Options) -> Void = { _ in }
    ) throws -> (text: String, pieces: [Generation.Piece], end: Generation) {
        var options = TextGenerator.Options(seed: seed)
        options.maxTokens = 40
        change(&options)
        var generation = try TextGenerator(scheduler: scheduler).begin(
            prompt,
            with: registry.model(named: model),
            options
        )
        var pieces: [Generation.Piece] = []
        while let piece = try generation.next() { pieces.append(piece) }
        return (pieces.map(\.text).joined(), pieces, generation)
    }

    @Test func `greedily takes what the whole sequence at once would make likeliest`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "letters")
        let result = try generate("abc") { $0.sampling.temperature = 0 }
        #expect(result.pieces.count == 40)
        #expect(result.end.finishReason == .length)
        var tokens: [Float] = [1, 2, 3]
        for piece in result.pieces {
            let whole = try scheduler.infer(model, items: [Tensor(shape: [tokens.count], values: tokens)])
            let row = whole.outputs[0].suffix(model.classes).dropFirst() // never the unknown token
            let best = try #require(row.indices.max { row[$0] < row[$1] })
            let number = best - row.startIndex + 1
            #expect(piece.token == .text(CharacterModel.vocabulary[number]), "token \(piece.index)")
            tokens.append(Float(number))
        }
    }

    @Test func `the same seed gives the same text, alone and among others`() throws {
        defer { scheduler.stop() }
        let alone = try (0..<8).map { try generate("ab", seed: UInt64($0)).text }
        #expect(Set(alone).count > 1)
        let together = Mutex([Int: String]())
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            // A failure leaves its text out, which the comparison shows.
            let text = try? generate("ab", seed: UInt64(index)).text
            together.withLock { $0[index] = text }
        }
        #expect(together.withLock { state in (0..<8).map { state[$0] } } == alone)
    }

    @Test func `ends before a stop string`() throws {
        defer { scheduler.stop() }
        let free = try generate("ab").text
        let stop = String(free.dropFirst(10).prefix(3))
        let expected = free[..<free.firstRange(of: stop)!.lowerBound]
        let stopped = try generate("ab") { $0.stops = [stop] }
        #expect(stopped.text == expected)
        #expect(stopped.end.finishReason == .stop)
        #expect(stopped.end.tokens <= 40)
    }

    @Test func `bytes become whole characters, and a start stands for an empty prompt`() throws {
        defer { scheduler.stop() }
        let bytes = try generate("", model: "bytes") { $0.maxTokens = 200 }
        #expect(bytes.text == (try generate("\n", model: "bytes") { $0.maxTokens = 200 }.text))
        let numbers = bytes.pieces.map { piece -> UInt8 in
            guard case .number(let number) = piece.token else { return 0 }
            return UInt8(number)
        }
        #expect(bytes.text == String(decoding: numbers, as: UTF8.self))
    }

    @Test func `refuses an empty prompt, one that is too long, and a model of another task`() throws {
        defer { scheduler.stop() }
        let errors = [
            ("", "the prompt is empty, and model 'letters' has no start of its own"),
            (String(repeating: "a", count: 65), "the sequence has 65 steps, the model takes at most 64"),
        ]
        for (prompt, message) in errors {
            let error = #expect(throws: ServingError.self) { try generate(prompt) }
            #expect(error?.status == .badRequest)
            #expect(error?.message == message)
        }
        let error = #expect(throws: ServingError.self) {
            try TextGenerator(scheduler: scheduler).begin(
                "a",
                with: TestModels.gru(),
                TextGenerator.Options(seed: 1)
            )
        }
        #expect(error?.message == "model 'tiny' is for 'sequence-classification', not 'text-generation'")
    }

    @Test func `counts the tokens of the prompt that it does not know`() throws {
        defer { scheduler.stop() }
        #expect(try generate("aXYb").end.unknownTokens == 2)
    }

    @Test func `stops when the client has gone or the deadline passes`() throws {
        defer { scheduler.stop() }
        let cancellation = Cancellation()
        let options = TextGenerator.Options(seed: 1)
        let model = try registry.model(named: "letters")
        let generator = TextGenerator(scheduler: scheduler)
        var generation = try generator.begin("a", with: model, options, .test(cancellation: cancellation))
        _ = try generation.next()
        cancellation.cancel()
        let error = #expect(throws: ServingError.self) { try generation.next() }
        #expect(error?.code == "cancelled")
        let late = #expect(throws: ServingError.self) {
            try generator.begin("a", with: model, options, .test(deadline: .now - .seconds(1)))
        }
        #expect(late?.code == "deadline_exceeded")
    }

    @Test func `puts spaces between words as a text has them`() throws {
        defer { scheduler.stop() }
        let manifest = CharacterModel.manifest.replacing("characters", with: "words")
        try CharacterModel.write("words", to: folder, manifest: manifest)
        let registry = Registry(folder: folder.path)
        try registry.load { $0 == "words" }
        // The vocabulary's white space is no word, and stands here for some.
        var options = TextGenerator.Options(seed: 5)
        options.maxTokens = 60
        var generation = try TextGenerator(scheduler: scheduler).begin(
            "a b",
            with: registry.model(named: "words"),
            options
        )
        var (text, expected) = ("", "")
        while let piece = try generation.next() {
            guard case .text(let word) = piece.token else { break }
            text += piece.text
            expected += word == "." ? word : " " + word
        }
        #expect(text == expected)
        #expect(generation.tokens == 60)
    }

    static let faults: [(manifest: String, isBidirectional: Bool, reason: String)] = [
        (CharacterModel.manifest, true, "task: 'text-generation' needs a network that reads forwards only"),
        (
            CharacterModel.manifest.replacing(#""unknown": "<unk>""#, with: #""start": "z""#), false,
            "input.start: unknown token 'z' at position 0; the model has no entry for unknown tokens"
        ),
        (
            CharacterModel.manifest.replacing(#""unknown": "<unk>""#, with: #""start": """#), false,
            "model.json: input.start: expected a string that is not empty"
        ),
        (
            CharacterModel.manifest.replacing(#""unknown": "<unk>""#, with: #""strat": "a""#), false,
            "model.json: input: unknown key 'strat'; did you mean 'start'?"
        ),
        (
            CharacterModel.manifest.replacing("text-generation", with: "sequence-classification")
                .replacing(#""unknown": "<unk>""#, with: #""start": "a""#), false,
            "model.json: input.start: only a model for 'text-generation' has one, found 'sequence-classification'"
        ),
    ]

    @Test(arguments: faults)
    func `loading names what cannot generate`(
        fault: (manifest: String, isBidirectional: Bool, reason: String)
    ) throws {
        defer { scheduler.stop() }
        let shapes = CharacterModel.shapes(
            tokens: CharacterModel.vocabulary.count,
            isBidirectional: fault.isBidirectional
        )
        try CharacterModel.write("wrong", to: folder, manifest: fault.manifest, shapes: shapes)
        let registry = Registry(folder: folder.path)
        try registry.load { $0 == "wrong" }
        #expect(try registry.entry(named: "wrong").current.reason == fault.reason)
    }
}
