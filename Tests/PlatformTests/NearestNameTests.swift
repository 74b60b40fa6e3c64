import Platform
import Testing

@Suite struct NearestNameTests {
    static let names = ["resnet18", "resnet50", "alexnet", "ten", "vgg16"]

    @Test(arguments: [
        ("resnet5", "resnet50"), ("resent50", "resnet50"), ("AlexNet", "alexnet"), ("tne", "ten"),
        ("vgg19", "vgg16"),
    ])
    func `finds the name that was meant`(typed: String, expected: String) {
        #expect(nearestName(to: typed, in: Self.names) == expected)
    }

    @Test(arguments: ["", "densenet", "xyz", "a", String(repeating: "resnet", count: 1000)])
    func `finds none where none is near`(typed: String) {
        #expect(nearestName(to: typed, in: Self.names) == nil)
    }

    @Test func `prefers the nearest, then the first`() {
        #expect(nearestName(to: "model1", in: ["model23", "model2", "model3"]) == "model2")
        #expect(nearestName(to: "model1", in: ["model23", "model1"]) == "model1")
    }
}
