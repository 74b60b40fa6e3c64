import Engine
import Foundation
import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Tasks
import Testing

/// The models in `weights/`, from bytes to classes.
struct BundledModelTests {
    private static let weights =
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(4).joined(separator: "/") + "/weights"

    let scheduler: Scheduler
    let registry: Registry
    let classifier: ImageClassifier
    let predictor: SequencePredictor

    init() throws {
        scheduler = try Scheduler(threads: 2)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        registry = Registry(folder: Self.weights, logger: logger, warmUp: scheduler.warmUp)
        try registry.load()
        classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits(maxPixels: 1_000_000))
        predictor = SequencePredictor(scheduler: scheduler)
    }

    private func example(_ name: String) throws -> ArraySlice<UInt8> {
        try FileContents.read("\(Self.weights)/examples/\(name)", maxBytes: 1 << 20)[...]
    }

    @Test func `every bundled model loads`() {
        defer { scheduler.stop() }
        for entry in registry.models() {
            #expect(entry.current.state == .ready, "\(entry.name): \(entry.current.reason ?? "")")
        }
        #expect(Set(registry.models().map(\.name)).isSuperset(of: ["digits", "surnames"]))
    }

    @Test(arguments: [("digit-3.png", "3"), ("digit-7.png", "7")])
    func `digits are recognised, in one crop and in ten`(file: String, label: String) throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "digits")
        for crops in [CropMode.center, .ten] {
            let answer = try classifier.classify(example(file), with: model, .init(crops: crops))
            #expect(answer.scores.top(1, labels: model.labels)[0].label == label)
            #expect(abs(answer.scores.probabilities.reduce(0, +) - 1) < 1e-12)
            // Flips change a digit, so ten crops are five.
            #expect(answer.crops.count == (crops == .ten ? 5 : 1))
            #expect(answer.outputs.count == answer.crops.count)
        }
    }

    @Test func `bytes that are no image are refused before they are queued`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "digits")
        let text = #expect(throws: ServingError.self) {
            try classifier.classify(Array("hello".utf8)[...], with: model)
        }
        #expect(text?.status.code == 422)
        #expect(text?.code == "undecodable_image")
        let empty = #expect(throws: ServingError.self) { try classifier.classify([], with: model) }
        #expect(empty?.status.code == 422)
        let small = ImageClassifier(scheduler: scheduler, limits: ImageLimits(maxPixels: 100))
        let large = #expect(throws: ServingError.self) {
            try small.classify(example("digit-3.png"), with: model)
        }
        #expect(large?.status.code == 413)
        let task = #expect(throws: ServingError.self) {
            try classifier.classify(example("digit-3.png"), with: registry.model(named: "surnames"))
        }
        #expect(task?.code == "wrong_task")
        #expect(task?.message == "model 'surnames' takes text, not images")
    }

    @Test func `surnames are told apart, alone and together`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "surnames")
        let names = ["Nakamura", "Papadopoulos", "Nguyễn"]
        let together = try predictor.predict(names.map(JSONValue.string), with: model)
        let labels = try together.map { answer in
            guard case .classes(let scores) = answer.outcome else { return "a regression" }
            return try #require(scores.top(1, labels: model.labels)[0].label)
        }
        #expect(labels.prefix(2) == ["Japanese", "Greek"])
        for (name, answer) in zip(names, together) {
            #expect(try predictor.predict(.string(name), with: model).outcome == answer.outcome)
        }
    }

    @Test func `a bad instance names its place`() throws {
        defer { scheduler.stop() }
        let model = try registry.model(named: "surnames")
        let error = #expect(throws: ServingError.self) {
            try predictor.predict([.string("Li"), .string("")], with: model)
        }
        #expect(error?.message == "instance 1: the sequence is empty")
        #expect(throws: ServingError.self) { try predictor.predict([JSONValue](), with: model) }
        let task = #expect(throws: ServingError.self) {
            try predictor.predict(.string("x"), with: registry.model(named: "digits"))
        }
        #expect(task?.code == "wrong_task")
    }
}
