import Dispatch
import Engine
import Imaging
import Inference
import Models
import Platform
import Support
import Synchronization
import Tasks
import Testing

/// Captioners as models: the same captions however they are batched, and none for who does not wait.
struct CaptionerTests {
    private let folder: TemporaryFolder
    private let scheduler: Scheduler

    init() throws {
        folder = try TemporaryFolder()
        scheduler = try Scheduler(threads: 2)
    }

    private static let names = ["automobile.jpg", "digit-3.png", "digit-7.png", "horse.jpg", "pagoda.jpg"]

    private func model(_ architecture: String = "show_attend_tell") throws -> Model {
        try CaptionModel.write("m", to: folder, architecture: architecture)
        return try TranslationModel.registry(of: folder).model(named: "m")
    }

    /// A caption as far as it can be compared.
    private struct Said: Equatable {
        let sentence: Translator.Translation
        let maps: [[Float]]
    }

    private func captions(
        _ names: [String],
        _ model: Model,
        _ options: Captioner.Options = Captioner.Options(),
        on scheduler: Scheduler? = nil,
        context: RequestContext = RequestContext()
    ) throws -> [[Said]] {
        let images = try names.map {
            Result<ArraySlice<UInt8>, ServingError>.success(try Repository.example($0)[...])
        }
        let captioner = Captioner(
            ImageClassifier(scheduler: scheduler ?? self.scheduler, limits: ImageLimits())
        )
        let answers = try TestLane.shared.wait { () async throws(ServingError) in
            try await captioner.caption(images: images, with: model, options, context)
        }
        return try answers.map { answer in
            try answer.get().captions.map { Said(sentence: $0.sentence, maps: $0.maps.map(\.values)) }
        }
    }

    private static func options(beams: Int = 1, maps: Bool = true) -> Captioner.Options {
        var options = Captioner.Options()
        options.writing.beams = beams
        options.wantsMaps = maps
        return options
    }

    private static func sampled(_ temperature: Double, seed: UInt64, topK: Int? = nil) -> Captioner.Options {
        var options = options()
        options.sampling = Sampler.Rule()
        options.sampling?.temperature = temperature
        options.sampling?.topK = topK
        options.seed = seed
        return options
    }

    @Test(arguments: [(1, nil), (4, nil), (1, 3)] as [(Int, UInt64?)])
    func `an image has the same caption alone, beside others and among other requests`(
        row: (beams: Int, seed: UInt64?)
    ) throws {
        defer { scheduler.stop() }
        let model = try model()
        let options = row.seed.map { Self.sampled(1, seed: $0) } ?? Self.options(beams: row.beams)
        let alone = try Self.names.map { try captions([$0], model, options)[0] }
        #expect(Set(alone.map { $0[0].sentence.score }).count == Self.names.count)
        #expect(alone.allSatisfy { $0.count == row.beams })
        #expect(try captions(Self.names, model, options) == alone)
        let found = Mutex<[[[Said]]]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { index in
            let order = index % 2 == 0 ? Self.names : Self.names.reversed()
            // A failure is an answer too few.
            guard let answers = try? captions(order, model, options) else { return }
            found.withLock { $0.append(index % 2 == 0 ? answers : answers.reversed()) }
        }
        #expect(found.withLock(\.self) == Array(repeating: alone, count: 4))
    }

    @Test(arguments: [1, 2, 3])
    func `any number of threads gives the same bits`(threads: Int) throws {
        scheduler.stop()
        let model = try model()
        let (one, other) = (try Scheduler(threads: 1), try Scheduler(threads: threads))
        defer {
            one.stop()
            other.stop()
        }
        let options = Self.options(beams: 3)
        #expect(
            try captions(Self.names, model, options, on: other)
                == captions(Self.names, model, options, on: one)
        )
    }

    @Test func `each token of each caption has a map of weights`() throws {
        defer { scheduler.stop() }
        let model = try model()
        for said in try captions(Self.names, model, Self.options(beams: 4)).flatMap(\.self) {
            #expect(said.maps.count == said.sentence.tokens.count)
            for map in said.maps {
                #expect(map.count == 64 && map.allSatisfy { $0 > 0 })
                #expect((map.reduce(0, +) - 1).magnitude < 1e-5)
            }
        }
        let without = try captions(Self.names, model, Self.options(maps: false)).flatMap(\.self)
        #expect(without.allSatisfy { $0.maps.isEmpty })
    }

    @Test func `captions start from the image where the decoder does not look at it`() throws {
        defer { scheduler.stop() }
        let model = try model("show_and_tell")
        let found = try captions(Self.names, model, Self.options(beams: 2, maps: false))
        #expect(Set(found.map { $0[0].sentence.score }).count == Self.names.count)
        let error = #expect(throws: ServingError.self) { try captions(["horse.jpg"], model, Self.options()) }
        #expect(error?.status == .badRequest)
        #expect(
            error?.message
                == "detail: model 'm' looks at an image as a whole, so that words have no maps"
        )
    }

    @Test func `a seed draws the same, and temperature 0 the likeliest`() throws {
        defer { scheduler.stop() }
        let model = try model()
        let drawn = try (0..<6).map { try captions(["horse.jpg"], model, Self.sampled(2, seed: $0))[0][0] }
        #expect(Set(drawn.map(\.sentence.score)).count > 1)
        #expect(try captions(["horse.jpg"], model, Self.sampled(2, seed: 3))[0][0] == drawn[3])
        let greedy = try captions(["horse.jpg"], model, Self.options())[0][0]
        for options in [Self.sampled(0, seed: 9), Self.sampled(5, seed: 9, topK: 1)] {
            let likeliest = try captions(["horse.jpg"], model, options)[0][0]
            #expect(likeliest.sentence.tokens == greedy.sentence.tokens && likeliest.maps == greedy.maps)
            #expect((likeliest.sentence.score - greedy.sentence.score).magnitude < 1e-9)
        }
    }

    @Test(arguments: [1, 5])
    func `ends between two words when nobody waits`(beams: Int) throws {
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
        let model = try model()
        let error = #expect(throws: ServingError.self) {
            try captions(
                ["horse.jpg"],
                model,
                Self.options(beams: beams),
                on: scheduler,
                context: .test(cancellation: cancellation)
            )
        }
        #expect(error == .cancelled)
        #expect(runs.load(ordering: .relaxed) == 4)
    }

    @Test func `a deadline that passes while words are written ends them`() throws {
        scheduler.stop()
        let deadline = Mutex<ContinuousClock.Instant?>(nil)
        let runs = Atomic(0)
        let scheduler = try Scheduler {
            let runner = BatchRunner(pool: WorkerPool(threads: 1))
            return BatchRunner.Functions { network, items, shouldContinue throws(ServingError) in
                let outputs = try runner.run(network, items, while: shouldContinue)
                if runs.add(1, ordering: .relaxed).newValue == 3, let end = deadline.withLock(\.self) {
                    while ContinuousClock.now < end {}
                }
                return outputs
            }
        }
        defer { scheduler.stop() }
        let model = try model()
        let end = ContinuousClock.now + .seconds(2)
        deadline.withLock { $0 = end }
        let error = #expect(throws: ServingError.self) {
            try captions(
                ["horse.jpg"],
                model,
                Self.options(beams: 2),
                on: scheduler,
                context: .test(deadline: end)
            )
        }
        #expect(error?.status == .gatewayTimeout)
        #expect(runs.load(ordering: .relaxed) == 3)
    }

    // swift-format-ignore
    static let faults: [(manifest: String, reason: String)] = [
        (CaptionModel.manifest.replacing("ARCHITECTURE", with: "resnet20"), "model.json: architecture: 'image-captioning' needs one with a decoder, found 'resnet20'"),
        (CaptionModel.manifest.replacing("ARCHITECTURE", with: "encoder_decoder"), "model.json: task: 'encoder_decoder' is for 'sequence-to-sequence', found 'image-captioning'"),
        (CaptionModel.manifest.replacing("image-captioning", with: "image-classification"), "model.json: output: only a 'sequence-regression' has values to scale, but 'task' is 'image-classification'"),
        (CaptionModel.manifest.replacing(#""max_length": 12"#, with: #""max_length": 0"#), "model.json: output.max_length: expected an integer from 1 to 65536, found 0"),
        (CaptionModel.manifest.replacing(#""<end>""#, with: #""<stop>""#), "output.end: the token '<stop>' is not in the vocabulary"),
        (CaptionModel.manifest.replacing(#""mean""#, with: #""color": "gray", "mean""#).replacing("[0.5, 0.5, 0.5]", with: "[0.5]").replacing("[0.1, 0.1, 0.1]", with: "[0.1]"), "model.json: preprocessing.color: 'gray' has 1, but 'show_attend_tell' takes 3 channels"),
        (CaptionModel.manifest.replacing(#""extractor": "resnet20""#, with: #""extractor": "lstm""#), "show_attend_tell: extractor 'lstm' takes no images"),
        (CaptionModel.manifest.replacing(#""extractor": "resnet20""#, with: #""extractors": "resnet20""#), "show_attend_tell: unknown option 'extractors'; did you mean 'extractor'?"),
        (CaptionModel.manifest.replacing(#""output""#, with: #""pooling": "max", "output""#), "model.json: pooling: only models of sequences pool over steps, but 'task' is 'image-captioning'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong with a model`(fault: (manifest: String, reason: String)) throws {
        scheduler.stop()
        try CaptionModel.write(
            "m",
            to: folder,
            manifest: fault.manifest.replacing("ARCHITECTURE", with: "show_attend_tell"),
            architecture: "show_attend_tell"
        )
        let registry = try TranslationModel.registry(of: folder)
        let reason = registry.models().first?.current.reason ?? ""
        #expect(reason.contains(fault.reason), "\(reason)")
    }
}
