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

/// Encoder–decoders as models: what PyTorch decodes, however it is batched.
struct TranslatorTests {
    private let folder: TemporaryFolder
    private let scheduler: Scheduler

    init() throws {
        folder = try TemporaryFolder()
        scheduler = try Scheduler(threads: 2)
    }

    /// The source of the fixture.
    private static let source = tokens(steps: 9, seed: 7)

    private static func tokens(steps: Int, seed: UInt64) -> JSONValue {
        let values = SyntheticWeights.tensor("input", [steps, 1], seed: seed).values
        return .array(values.map { .integer(Int((Double($0) + 2) / 4 * 23)) })
    }

    private func model(
        _ cell: String,
        _ attention: String,
        _ layers: Int,
        _ variant: String = ""
    ) throws -> Model {
        try TranslationModel.write(
            "m",
            to: folder,
            cell: cell,
            attention: attention,
            layers: layers,
            variant: variant
        )
        return try TranslationModel.registry(of: folder).model(named: "m")
    }

    private func translate(
        _ instances: [JSONValue],
        _ model: Model,
        beams: Int = 1,
        penalty: Double = 0,
        count: Int = 1,
        listsAttention: Bool = false
    ) throws -> [[Translator.Translation]] {
        var options = Translator.Options()
        options.listsAttention = listsAttention
        options.beams = beams
        options.lengthPenalty = penalty
        let answers = try SequencePredictor(scheduler: scheduler).predict(
            instances,
            with: model,
            translation: options,
            count: count
        )
        return answers.map { answer in
            guard case .translations(let translations) = answer.outcome else { return [] }
            return translations
        }
    }

    typealias Row = (cell: String, attention: String, layers: Int, variant: String)

    static let cases: [Row] = ["gru", "lstm"].flatMap { cell in
        [
            ("none", 1, ""), ("none", 2, ""), ("dot", 2, ""), ("general", 1, ""), ("additive", 1, ""),
            ("additive", 2, ""), ("none", 1, "both"), ("dot", 1, "fed"), ("dot", 2, "both fed"),
            ("general", 1, "both"), ("general", 1, "both fed"), ("additive", 2, "both"),
        ].map { (cell, $0, $1, $2) }
    }

    @Test(arguments: cases)
    func `greedy and beam search decode what PyTorch decodes`(row: Row) throws {
        defer { scheduler.stop() }
        let model = try model(row.cell, row.attention, row.layers, row.variant)
        let fixture = try Safetensors(path: Repository.translations)
        let name =
            "\(row.cell) \(row.attention) \(row.layers)" + (row.variant.isEmpty ? "" : " \(row.variant)")
        func expected(_ what: String) throws -> [Float] { try fixture.tensor("\(name) \(what)").values }
        for (what, beams, penalty) in [("greedy", 1, 0.0), ("beam", 3, 0), ("penalized", 3, 1)] {
            let found = try translate([Self.source], model, beams: beams, penalty: penalty)[0][0]
            #expect(found.tokens == (try expected(what)).map { .number(Int($0)) }, "\(what)")
            #expect(found.text == nil)
            #expect((found.stop == .length) == (found.tokens.count == 12), "\(what)")
        }
        let score = try translate([Self.source], model, beams: 3)[0][0].score
        let wanted = Double(try expected("beam score")[0])
        #expect(abs(score - wanted) <= 1e-5 * abs(wanted))
        guard row.attention != "none" else { return }
        let looked = try translate([Self.source], model, listsAttention: true)[0][0]
        let weights = try #require(looked.attention)
        #expect(weights.count == looked.tokens.count && weights.allSatisfy { $0.count == 9 })
        let expectedWeights = try expected("attention")
        #expect(zip(weights.joined(), expectedWeights).allSatisfy { abs($0 - $1) <= 1e-5 })
    }

    @Test func `each hypothesis of a beam has looked for itself, and who does not ask is told nothing`()
        throws
    {
        defer { scheduler.stop() }
        let model = try model("lstm", "general", 1, "both fed")
        let plain = try translate([Self.source], model, beams: 5, count: 5)[0]
        let beams = try translate([Self.source], model, beams: 5, count: 5, listsAttention: true)[0]
        #expect(plain.allSatisfy { $0.attention == nil })
        #expect(plain.map(\.tokens) == beams.map(\.tokens) && plain.map(\.score) == beams.map(\.score))
        for beam in beams {
            let rows = try #require(beam.attention)
            #expect(rows.count == beam.tokens.count)
            #expect(rows.allSatisfy { $0.count == 9 && abs($0.reduce(0, +) - 1) < 1e-5 })
        }
        // Two that begin alike have looked alike so far, and not thereafter.
        for (first, second) in zip(beams, beams.dropFirst()) {
            let common = zip(first.tokens, second.tokens).prefix { $0 == $1 }.count
            let (one, other) = (first.attention ?? [], second.attention ?? [])
            #expect(one.prefix(common) == other.prefix(common))
        }
    }

    static let kinds: [(attention: String, variant: String)] = [
        ("none", ""), ("dot", ""), ("additive", ""), ("none", "both"), ("dot", "fed"),
        ("general", "both fed"),
        ("additive", "both"),
    ]

    @Test(arguments: kinds)
    func `a source is translated to the same bits alone, beside others and among other requests`(
        row: (attention: String, variant: String)
    ) throws {
        defer { scheduler.stop() }
        let model = try model("lstm", row.attention, 2, row.variant)
        let looks = row.attention != "none"
        let sources = (0..<6).map { Self.tokens(steps: 1 + 3 * $0, seed: UInt64($0)) }
        let alone = try sources.map {
            try translate([$0], model, beams: 4, count: 4, listsAttention: looks)[0]
        }
        #expect(Set(alone.map { $0[0].score }).count == sources.count)
        #expect(try translate(sources, model, beams: 4, count: 4, listsAttention: looks) == alone)
        let found = Mutex<[[[Translator.Translation]]]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { index in
            let order = index % 2 == 0 ? sources : sources.reversed()
            // A failure is an answer too few.
            guard
                let answers = try? translate(order, model, beams: 4, count: 4, listsAttention: looks)
            else { return }
            found.withLock { $0.append(index % 2 == 0 ? answers : answers.reversed()) }
        }
        #expect(found.withLock(\.self) == Array(repeating: alone, count: 4))
    }

    @Test func `a beam lists its best first, no more than asked for`() throws {
        defer { scheduler.stop() }
        let model = try model("gru", "additive", 1)
        let all = try translate([Self.source], model, beams: 5, count: 9)[0]
        #expect(all.count == 5)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.score >= $1.score })
        #expect(try translate([Self.source], model, beams: 5, count: 2)[0] == Array(all.prefix(2)))
    }

    @Test(arguments: [kinds[0], kinds[5]])
    func `ends between two steps when its client has gone`(row: (attention: String, variant: String)) throws {
        scheduler.stop()
        let cancellation = Cancellation()
        let runs = Atomic(0)
        let scheduler = try Scheduler {
            let runner = BatchRunner(pool: WorkerPool(threads: 1))
            return BatchRunner.Functions { network, items, shouldContinue throws(ServingError) in
                let outputs = try runner.run(network, items, while: shouldContinue)
                if runs.add(1, ordering: .relaxed).newValue == 4 { cancellation.cancel() }
                return outputs
            }
        }
        defer { scheduler.stop() }
        let error = #expect(throws: ServingError.self) {
            try SequencePredictor(scheduler: scheduler).predict(
                [Self.source],
                with: model("lstm", row.attention, 1, row.variant),
                context: .test(cancellation: cancellation)
            )
        }
        #expect(error == .cancelled)
        #expect(runs.load(ordering: .relaxed) == 4)
    }

    // swift-format-ignore
    static let faults: [(manifest: String, reason: String)] = [
        (TranslationModel.tokens.replacing(#""size": 19"#, with: #""size": 20"#), "output: the vocabulary has 20 tokens, but the last layer has 19 rows"),
        (TranslationModel.tokens.replacing(#""size": 23"#, with: #""size": 24"#), "encoder_decoder: encoder: the input has 24 tokens but tensor 'embedding.weight' is 23×10"),
        (TranslationModel.tokens.replacing(#""end": 16"#, with: #""end": 19"#), "model.json: output.end: expected an integer from 0 to 18, found 19"),
        (TranslationModel.tokens.replacing(#""task": "sequence-to-sequence""#, with: #""task": "text-generation""#), "model.json: output: only a 'sequence-regression' has values to scale, but 'task' is 'text-generation'"),
        (TranslationModel.tokens.replacing("encoder_decoder", with: "gru"), "model.json: architecture: 'sequence-to-sequence' needs one with a decoder, found 'gru'"),
        (TranslationModel.words.replacing(#""start": "<sos>""#, with: #""start": "<bos>""#), "output.start: the token '<bos>' is not in the vocabulary"),
        (TranslationModel.words.replacing(#""end": "<eos>", "max"#, with: #""end": "<end>", "max"#), "input.end: the token '<end>' is not in the vocabulary"),
        (TranslationModel.words.replacing(#""end": "<eos>", "max"#, with: #""end": "<eos>", "features": [{"kind": "shape", "vocabulary": "target.txt", "unknown": "."}], "max"#), "model.json: input.features: 'start' and 'end' have none; leave these or the features out"),
    ]

    @Test(arguments: faults)
    func `loading names what cannot translate`(fault: (manifest: String, reason: String)) throws {
        defer { scheduler.stop() }
        try TranslationModel.write("wrong", to: folder, manifest: fault.manifest, attention: "dot")
        let reason = try TranslationModel.registry(of: folder).entry(named: "wrong").current.reason
        #expect(reason == fault.reason)
    }

    @Test func `one error lists what is wrong with the weights of both networks`() throws {
        defer { scheduler.stop() }
        let manifest = TranslationModel.tokens.replacing(
            "OPTIONS",
            with: #"OPTIONS, "attention": "additive""#
        )
        try TranslationModel.write("wrong", to: folder, manifest: manifest, attention: "dot")
        let reason = try #require(
            try TranslationModel.registry(of: folder).entry(named: "wrong").current.reason
        )
        for name in [
            "attention.Ua.weight", "attention.Va.weight", "concat.weight", "decoder.rnn.weight_ih_l0",
        ] {
            #expect(reason.contains(name), "\(reason)")
        }
    }

    @Test func `an encoder–decoder is for no other task`() throws {
        defer { scheduler.stop() }
        let tagger =
            #"{"architecture": "encoder_decoder", "task": "token-classification", "input": {"kind": "tokens", "size": 23}}"#
        try TranslationModel.write("wrong", to: folder, manifest: tagger)
        let reason = try TranslationModel.registry(of: folder).entry(named: "wrong").current.reason
        let expected = "'encoder_decoder' is for 'sequence-to-sequence', found 'token-classification'"
        #expect(reason == "model.json: task: \(expected)")
    }
}
