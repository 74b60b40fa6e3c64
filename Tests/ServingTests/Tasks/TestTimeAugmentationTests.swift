import Engine
import Imaging
import Inference
import Models
import Support
import Tasks
import Testing
import Zoo

/// Crop modes, scales and dense evaluation on networks with synthetic weights.
struct TestTimeAugmentationTests {
    private let scheduler: Scheduler
    private let classifier: ImageClassifier

    init() throws {
        scheduler = try Scheduler(threads: 2)
        classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits())
    }

    private func model(_ architecture: String, mirror: Bool, crop: Int = 32) throws -> Model {
        let color = architecture.hasPrefix("lenet") ? "gray" : "rgb"
        let text = """
            {"architecture": "\(architecture)", "task": "image-classification",
             "preprocessing": {"resize": 36, "crop": \(crop), "color": "\(color)", "mirror": \(mirror)}}
            """
        let manifest = try Manifest(parsing: Array(text.utf8))
        let known = try Architecture.named(architecture)
        let graph = try known.graph(ArchitectureConfiguration(imageSize: (crop, crop)))
        guard case .image(let preprocessing) = manifest.input else { fatalError("the manifest has images") }
        return try Model(
            name: "m",
            version: "1",
            manifest: manifest,
            architecture: known,
            main: (graph, Weights(synthetic: 3, for: graph)),
            input: .image(preprocessing),
            labels: nil
        )
    }

    // swift-format-ignore
    @Test(arguments: [
        (CropMode.center, 1, 1), (.mirror, 2, 1), (.five, 5, 5), (.ten, 10, 5), (.grid, 50, 25), (.inception, 36, 18), (.dense, 2, 1),
    ])
    func `a mode has its published number of crops at each scale, and half where a flip changes the label`(
        _ mode: CropMode, mirrored: Int, upright: Int
    ) throws {
        defer { scheduler.stop() }
        let image = try Repository.example("horse.jpg")[...]
        for (mirror, count) in [(true, mirrored), (false, upright)] {
            let model = try model("resnet20", mirror: mirror)
            let one = try classifier.classify(image, with: model, .init(crops: mode, scales: [40]))
            #expect(one.crops.count == count && one.outputs.count == count)
            let three = try classifier.classify(image, with: model, .init(crops: mode, scales: [36, 40, 48]))
            #expect(three.crops.map(\.scale) == [36, 40, 48].flatMap { Array(repeating: $0, count: count) })
            let logits = three.outputs.map { $0.map(Double.init) }
            for (index, mean) in three.scores.logits.enumerated() {
                let sum = logits.reduce(0) { $0 + $1[index] }
                #expect(abs(mean - sum / Double(logits.count)) < 1e-9)
            }
        }
    }

    @Test func `the published scales of inception give four times its crops`() throws {
        defer { scheduler.stop() }
        let model = try model("resnet20", mirror: true)
        let answer = try classifier.classify(
            Repository.example("horse.jpg")[...],
            with: model,
            .init(crops: .inception)
        )
        #expect(answer.crops.count == 144)
        #expect(Set(answer.crops.map(\.scale)) == [37, 41, 46, 50])
    }

    @Test func `dense over an image of the crop's size is the centre crop`() throws {
        defer { scheduler.stop() }
        let image = try Repository.example("digit-7.png")[...]
        let model = try model("lenet5", mirror: false)
        let center = try classifier.classify(image, with: model, .init(scales: [32]))
        let dense = try classifier.classify(image, with: model, .init(crops: .dense, scales: [32]))
        for (found, wanted) in zip(dense.outputs[0], center.outputs[0]) {
            #expect(abs(found - wanted) <= 1e-5 * (center.outputs[0].map(\.magnitude).max() ?? 0))
        }
        let wider = try classifier.classify(image, with: model, .init(crops: .dense, scales: [44]))
        #expect(wider.outputs != dense.outputs)
        #expect(wider.crops[0].crop.width == 44)
    }

    @Test func `a network that cannot slide says so`() throws {
        defer { scheduler.stop() }
        let image = try Repository.example("digit-7.png")[...]
        let model = try model("lenet5_1998", mirror: false)
        let error = #expect(throws: ServingError.self) {
            try classifier.classify(image, with: model, .init(crops: .dense))
        }
        #expect(error?.status == .badRequest && error?.code == "invalid_parameter")
        #expect(error?.message.contains("'lenet5_1998' cannot slide over an image") == true)
    }
}
