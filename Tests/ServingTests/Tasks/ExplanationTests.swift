import Engine
import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Synchronization
import Tasks
import Testing

/// Why the bundled models answer as they do, against what the definitions say done by hand.
struct ExplanationTests {
    private let scheduler: Scheduler
    private let registry: Registry
    private let classifier: ImageClassifier
    private let predictor: SequencePredictor

    init() throws {
        scheduler = try Scheduler(threads: 2)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        registry = Registry(folder: Repository.weights, logger: logger, warmUp: scheduler.warmUp)
        try registry.load { $0 != "shakespeare" }
        classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits())
        predictor = SequencePredictor(scheduler: scheduler)
    }

    private func explain(
        _ file: String,
        with model: Model,
        _ options: ImageExplainer.Options = .init(),
        _ context: RequestContext = RequestContext()
    ) throws -> ImageExplainer.Answer {
        let bytes = try Repository.example(file)[...]
        let explainer = ImageExplainer(classifier)
        return try TestLane.shared.wait { () async throws(ServingError) in
            try await explainer.explain(bytes, with: model, options, context)
        }
    }

    private func explain(
        text: String,
        with model: Model,
        _ options: LeaveOneOut.Options = .init()
    ) throws -> LeaveOneOut.Answer {
        let instance: Instance =
            if case .text = model.manifest.input { .text(text) } else {
                .features(Array(text.split(separator: " ").compactMap { Float($0) }))
            }
        let explainer = LeaveOneOut(predictor)
        return try TestLane.shared.wait { () async throws(ServingError) in
            try await explainer.explain(instance, with: model, options)
        }
    }

    // MARK: - Class activation maps

    @Test(arguments: [("cifar10", "automobile.jpg"), ("objects", "pagoda.jpg"), ("objects", "horse.jpg")])
    func `the mean of a map and the bias are the logit that the model answers with`(
        name: String,
        file: String
    ) throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: name)
        let scores = try classifier.classify(Repository.example(file)[...], with: model).scores
        for index in [nil, 0, 3, model.classes - 1] as [Int?] {
            var options = ImageExplainer.Options()
            options.target = index.map(String.init)
            let answer = try explain(file, with: model, options)
            #expect(answer.method == .classActivation && answer.runs == 1)
            #expect(answer.target.index == index ?? scores.top(1)[0].index)
            let sum = answer.map.values.reduce(0) { $0 + Double($1) }
            let logit = sum / Double(answer.map.values.count) + Double(try #require(answer.bias))
            let wanted = scores.logits[answer.target.index]
            #expect(abs(logit - wanted) < 1e-4, "\(name) \(answer.target.index): \(logit), \(wanted)")
            #expect(abs(answer.target.score - scores.probabilities[answer.target.index]) < 1e-5)
        }
    }

    @Test func `a map is the same bits at any load, and holds no network of its own afterwards`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "cifar10")
        let bytes = model.pipeline.bytes
        let alone = try explain("automobile.jpg", with: model)
        let wrong = Atomic(0)
        let threads = ThreadGroup()
        for _ in 0..<4 {
            try threads.start(name: "client") {
                for _ in 0..<5 {
                    // An error counts as a wrong answer.
                    let answer = try? explain("automobile.jpg", with: model)
                    if answer?.map != alone.map { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        threads.join()
        #expect(wrong.load(ordering: .relaxed) == 0)
        let (network, _) = try model.pipeline.classScoreMaps()
        #expect(!scheduler.knows(network), "the engine forgets it")
        #expect(model.pipeline.bytes - bytes < 65_536, "what is packed is shared")
    }

    // MARK: - Occlusion

    @Test(arguments: [
        ("digits", "digit-7.png", 6, 3), ("digits", "digit-3.png", 5, 8),
        ("cifar10", "automobile.jpg", 12, 10),
    ])
    func `occlusion is what covering by hand gives`(name: String, file: String, patch: Int, stride: Int)
        throws
    {
        defer { scheduler.stop() }
        let model = try registry.model(named: name)
        guard case .image(let preprocessing) = model.input else { return }
        var options = ImageExplainer.Options()
        (options.method, options.patch, options.stride) = (.occlusion, patch, stride)
        let answer = try explain(file, with: model, options)
        let image = try ImageDecoder.decode(Repository.example(file)[...], color: preprocessing.color).image
        let crop = try preprocessing.prepare(image, crops: .center)[0]
        let cells = ImageSize(
            height: (crop.height + stride - 1) / stride,
            width: (crop.width + stride - 1) / stride
        )
        #expect(answer.map.height == cells.height && answer.map.width == cells.width)
        #expect(answer.runs == cells.height * cells.width + 1)
        let shape: Shape = [crop.channels, crop.height, crop.width]
        func probability(_ values: [Float]) throws -> Double {
            let output = try scheduler.infer(model, items: [Tensor(shape: shape, values: values)]).outputs
            return try ClassScores(output, scoring: model.scoring).probabilities[answer.target.index]
        }
        let whole = try probability(crop.values)
        #expect(answer.target.score == whole)
        for cell in 0..<answer.map.values.count {
            let (row, column) = cell.quotientAndRemainder(dividingBy: cells.width)
            let top = (2 * row + 1) * crop.height / (2 * cells.height) - patch / 2
            let left = (2 * column + 1) * crop.width / (2 * cells.width) - patch / 2
            var values = crop.values
            for place in values.indices {
                let (y, x) = (place / crop.width % crop.height, place % crop.width)
                if y >= top, y < top + patch, x >= left, x < left + patch { values[place] = 0 }
            }
            #expect(try answer.map.values[cell] == Float(whole - probability(values)), "cell \(cell)")
        }
    }

    @Test func `what is covered is said, and too much of it is refused`() throws {
        let image = ImageSize(height: 32, width: 32)
        let usual = try Occlusion(image, multiplyAdds: 400_000, patch: nil, stride: nil)
        #expect(usual.patch == 4 && usual.stride == 2 && usual.count == 256)
        let large = try Occlusion(
            ImageSize(height: 224, width: 224),
            multiplyAdds: 15_000_000_000,
            patch: nil,
            stride: nil
        )
        #expect(large.patch == 56 && large.stride == 28 && large.count == 64)
        #expect(large.covered(0) == (0..<42, 0..<42))
        #expect(large.covered(63) == (182..<224, 182..<224))
        // Every pixel is covered by some patch.
        var seen = Set<Int>()
        for index in 0..<large.count { seen.formUnion(large.covered(index).rows) }
        #expect(seen.count == 224)
        let costly = #expect(throws: ServingError.self) {
            try Occlusion(ImageSize(height: 224, width: 224), multiplyAdds: 1, patch: 3, stride: 1)
        }
        #expect(costly?.code == "request_too_costly")
        let outside = #expect(throws: ServingError.self) {
            try Occlusion(image, multiplyAdds: 1, patch: 33, stride: nil)
        }
        #expect(outside?.message.contains("patch: expected at most 32 pixels") == true)
    }

    @Test func `a network without a map says so, and is explained by occlusion`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "digits")
        #expect(try explain("digit-7.png", with: model).method == .occlusion)
        var options = ImageExplainer.Options()
        options.method = .classActivation
        let error = #expect(throws: ServingError.self) { try explain("digit-7.png", with: model, options) }
        #expect(
            error?.message.contains("'lenet5' has no class activation map: it ends in") == true,
            "\(String(describing: error))"
        )
    }

    @Test func `nothing runs after the deadline, nor for a client that has gone`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "digits")
        let late = #expect(throws: ServingError.self) {
            try explain("digit-7.png", with: model, .init(), .test(deadline: .now - .seconds(1)))
        }
        #expect(late == .deadlineExceeded)
        let cancellation = Cancellation()
        cancellation.cancel()
        let gone = #expect(throws: ServingError.self) {
            try explain("digit-7.png", with: model, .init(), .test(cancellation: cancellation))
        }
        #expect(gone == .cancelled)
    }

    // MARK: - Leaving out

    @Test(arguments: [
        ("sentiment", "a gripping and moving film with a terrible zzzunknown end"), ("surnames", "Nakamura"),
    ])
    func `an effect is the prediction minus that without the token, to the bit`(
        name: String,
        text: String
    ) throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: name)
        let answer = try explain(text: text, with: model)
        let isWords = name == "sentiment"
        let tokens = isWords ? text.split(separator: " ").map(String.init) : text.map(String.init)
        #expect(answer.steps.count == tokens.count && answer.runs == tokens.count + 1)
        func probability(_ tokens: [String]) throws -> Double {
            let text = tokens.joined(separator: isWords ? " " : "")
            guard case .classes(let scores) = try predictor.predict(.string(text), with: model).outcome else {
                return .nan
            }
            return scores.probabilities[answer.target.index]
        }
        let whole = try probability(tokens)
        #expect(answer.target.score == whole)
        for index in tokens.indices {
            var rest = tokens
            rest.remove(at: index)
            #expect(try answer.steps[index].effect == whole - probability(rest), "\(tokens[index])")
        }
        #expect(answer.steps.contains(where: \.isUnknown) == isWords)
    }

    @Test func `a value of a regression is explained in its own unit, a tag at its step`() throws {
        defer { scheduler.stop() }
        let temperature = try registry.model(named: "temperature")
        let series = (0..<12).map { "\(10 + $0 % 5)" }
        let value = try explain(text: series.joined(separator: " "), with: temperature)
        func predicted(_ series: [String]) throws -> Double {
            let list = JSONValue.array(series.map { .array([.number(Double($0) ?? 0)]) })
            guard case .values(let steps) = try predictor.predict(list, with: temperature).outcome else {
                return .nan
            }
            return Double(steps[0][0])
        }
        #expect(try value.target.score == predicted(series) && value.target.logit == nil)
        #expect(try value.steps[11].effect == predicted(series) - predicted(Array(series.dropLast())))

        let tagger = try registry.model(named: "tagger")
        var options = LeaveOneOut.Options()
        options.step = 1
        let tag = try explain(text: "the dog barks", with: tagger, options)
        #expect(tag.steps.map { $0.effect == nil } == [false, true, false])
        options.step = 3
        #expect(throws: ServingError.self) { try explain(text: "the dog barks", with: tagger, options) }
        let unsaid = #expect(throws: ServingError.self) { try explain(text: "the dog barks", with: tagger) }
        #expect(unsaid?.message.contains("say with 'step'") == true)
    }

    @Test func `of one token nothing is left out`() throws {
        defer { scheduler.stop() }
        let answer = try explain(text: "good", with: registry.model(named: "sentiment"))
        #expect(answer.steps.count == 1 && answer.steps[0].effect == nil && answer.runs == 1)
    }
}
