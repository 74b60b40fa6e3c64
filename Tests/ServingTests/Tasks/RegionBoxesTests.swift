import Engine
import Foundation
import Imaging
import Models
import Support
import Tasks
import Testing
import Zoo

/// What an R-CNN's classifiers say of regions, and which objects that makes.
struct RegionBoxesTests {
    /// The numbers that `Fixtures/regions.py` made with PyTorch and torchvision.
    private static func fixture() throws -> Safetensors {
        let folder = try #require(Bundle.module.resourceURL)
        return try Safetensors(path: folder.appending(path: "Fixtures/regions.safetensors").path)
    }

    private static let image = ImageSize(height: 150, width: 200)

    @Test func `margins, suppression and regression equal those of PyTorch and torchvision`() throws {
        let file = try Self.fixture()
        let names = ["svm.weight", "svm.bias", "box.weight", "box.bias"]
        let configuration = ArchitectureConfiguration(
            options: ["extractor": .string("lenet5")],
            shapes: file.shapes.filter { names.contains($0.key) }
        )
        let graph = try Architecture.named("rcnn").graph(configuration)
        #expect(graph.inputShape == [84] && Set(graph.parameters.map(\.name)) == Set(names))
        let weights = Weights(try graph.parameters.map { try file.tensor($0.name) }, for: graph)
        let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: 1))
        let regions = try file.tensor("regions").items.map(\.values).map { sides in
            PixelBox(left: Int(sides[0]), top: Int(sides[1]), right: Int(sides[2]), bottom: Int(sides[3]))
        }
        try session.prepare(inputShape: [84], batch: 1)
        let outputs = try file.tensor("features").items.map { features in
            features.withSpan { session.setInput(0, to: $0) }
            #expect(session.run())
            return ["logits", "offsets"].flatMap { name in
                session.withOutput(name, item: 0) { span in span.indices.map { span[$0] } }
            }
        }
        let found = try RegionBoxes.found(
            outputs,
            in: regions,
            classes: 3,
            of: Self.image,
            threshold: 0.5,
            overlap: 0.3,
            most: 100
        )
        let expected = try file.tensor("found").items.map(\.values)
        #expect(found.count == expected.count && expected.count > 20)
        for (place, (found, row)) in zip(found, expected).enumerated() {
            let numbers = [
                Double(found.score), found.box.left, found.box.top, found.box.right, found.box.bottom,
            ]
            let worst = zip(numbers, row.dropFirst()).map { abs($0 - Double($1)) }.max() ?? 0
            #expect(found.index == Int(row[0]) && worst < 1e-3, "object \(place): \(found), expected \(row)")
        }
    }

    private static let regions = [
        PixelBox(left: 0, top: 0, right: 10, bottom: 10), PixelBox(left: 2, top: 0, right: 12, bottom: 10),
        PixelBox(left: 100, top: 100, right: 120, bottom: 140),
    ]

    private static func found(
        _ outputs: [[Float]],
        threshold: Double = 0.5,
        overlap: Double = 0.3,
        most: Int = 10
    ) throws(ServingError) -> [RegionBoxes.Found] {
        try RegionBoxes.found(
            outputs,
            in: regions,
            classes: 1,
            of: image,
            threshold: threshold,
            overlap: overlap,
            most: most
        )
    }

    @Test func `a threshold is of the logistic function, and the better of two that overlap is kept`()
        throws
    {
        let outputs: [[Float]] = [[1, 0, 0, 0, 0], [2, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]
        let found = try Self.found(outputs)
        #expect(found.map(\.box) == [Self.regions[1].box] && abs(found[0].score - 0.880797) < 1e-6)
        #expect(try Self.found(outputs, threshold: 0.26).count == 2)
        #expect(try Self.found(outputs, threshold: 0.26, overlap: 0.7).count == 3)
        #expect(try Self.found(outputs, threshold: 0.26, overlap: 0.7, most: 1).count == 1)
        #expect(try Self.found(outputs, threshold: 0.9).isEmpty)
    }

    @Test func `a box is moved by parts of its size, and cut at the sides of the image`() throws {
        let none: [Float] = [-9, 0, 0, 0, 0]
        let moved = try Self.found([none, none, [1, 0.5, -0.25, 0.6931472, 0]])[0].box
        // Centre (110 + 10, 120 − 10), twice as wide.
        let expected = ImageBox(left: 100, top: 90, right: 140, bottom: 130)
        #expect(moved.overlap(with: expected) > 0.99999)
        let cut = try Self.found([[1, 0, 0, 0, 0.6931472], none, none])[0].box
        #expect(cut.top == 0 && abs(cut.bottom - 15) < 1e-4)
    }

    @Test(
        arguments: [[50, 0, 0, 0], [0, 0, 1000, 0], [0, 0, -1000, 0], [.infinity, 0, 0, 0]] as [[Float]]
    )
    func `what offsets make no box of keeps its region's`(offsets: [Float]) throws {
        let none: [Float] = [-9, 0, 0, 0, 0]
        let found = try Self.found([none, none, [1] + offsets])
        #expect(found.map(\.box) == [Self.regions[2].box])
    }

    @Test func `a deadline ends it`() {
        let context = RequestContext.test(deadline: .now - .seconds(1))
        let error = #expect(throws: ServingError.self) {
            try RegionBoxes.found(
                [[1, 0, 0, 0, 0]],
                in: [Self.regions[0]],
                classes: 1,
                of: Self.image,
                threshold: 0,
                overlap: 0.3,
                most: 1,
                context
            )
        }
        #expect(error == .deadlineExceeded)
    }
}
