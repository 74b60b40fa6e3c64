import API
import Foundation
import Testing

extension EndToEndTests {
    /// The models of `weights/` on inputs whose answers are known.
    @Suite struct BundledModelsTests {
        /// An example image with its size and label; `tenCrops` is 5 where a flip would change the label.
        struct Example: CustomTestStringConvertible {
            let model: String
            let image: String
            let format: String
            let width: Int
            let height: Int
            let label: String
            let tenCrops: Int
            var classes = 10
            /// The label's probability is above this: `automobile.jpg` could be a truck.
            var surely = 0.9

            var testDescription: String { "\(model) \(image)" }
        }

        static let examples = [
            Example(
                model: "digits",
                image: "digit-7.png",
                format: "png",
                width: 28,
                height: 28,
                label: "7",
                tenCrops: 5
            ),
            Example(
                model: "digits",
                image: "digit-3.png",
                format: "png",
                width: 28,
                height: 28,
                label: "3",
                tenCrops: 5
            ),
            Example(
                model: "cifar10",
                image: "horse.jpg",
                format: "jpeg",
                width: 32,
                height: 32,
                label: "horse",
                tenCrops: 10
            ),
            Example(
                model: "cifar10",
                image: "automobile.jpg",
                format: "jpeg",
                width: 32,
                height: 32,
                label: "automobile",
                tenCrops: 10,
                surely: 0.5
            ),
            Example(
                model: "objects",
                image: "pagoda.jpg",
                format: "jpeg",
                width: 144,
                height: 189,
                label: "pagoda",
                tenCrops: 10,
                classes: 99
            ),
        ]

        @Test(arguments: examples)
        func `recognises the example images`(example: Example) throws {
            let image = try Repository.example(example.image)
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let path = "/v1/models/\(example.model):classify?top_k=1000"
                let center: Classification = try client.request("POST", path, body: image).decoded()
                check(center, example, crops: "center", count: 1)
                let ten: Classification = try client.request("POST", path + "&crops=ten", body: image)
                    .decoded()
                check(ten, example, crops: "ten", count: example.tenCrops)
            }
        }

        private func check(_ answer: Classification, _ example: Example, crops: String, count: Int) {
            #expect(answer.model == example.model)
            #expect(answer.version == "1")
            #expect(answer.image.format == example.format)
            #expect(answer.image.width == example.width)
            #expect(answer.image.height == example.height)
            #expect(answer.crops.mode == crops)
            #expect(answer.crops.count == count)
            let probabilities = answer.predictions.map(\.probability)
            #expect(answer.predictions.first?.label == example.label)
            #expect(probabilities.first ?? 0 > example.surely)
            #expect(probabilities.count == example.classes)
            #expect(probabilities == probabilities.sorted(by: >))
            #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
        }

        /// Names of the test split, their languages, and the probabilities that PyTorch computes.
        static let names = [
            (name: "Okamoto", language: "Japanese", probability: 0.9873),
            (name: "Chrysanthopoulos", language: "Greek", probability: 0.9584),
            (name: "Vistchinsky", language: "Russian", probability: 0.9778),
            (name: "O'Hannagain", language: "Irish", probability: 0.9933),
            (name: "Böhmer", language: "German", probability: 0.9780),
            (name: "Ślusarski", language: "Polish", probability: 0.7947),
        ]

        @Test func `knows where surnames come from`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let instances = Self.names.map { "\"\($0.name)\"" }.joined(separator: ", ")
                let body = Array("{\"instances\": [\(instances)]}".utf8)
                let path = "/v1/models/surnames:predict"
                let answer: Predictions = try client.request(
                    "POST",
                    path,
                    body: body,
                    type: "application/json"
                ).decoded()
                #expect(answer.predictions.map(\.label) == Self.names.map(\.language))
                for (prediction, name) in zip(answer.predictions, Self.names) {
                    #expect(abs(prediction.probability - name.probability) < 2e-4, "\(name)")
                }
            }
        }

        @Test func `takes an image in every form of body`() throws {
            let image = try Repository.example("digit-7.png")
            let encoded = Data(image).base64EncodedString()
            try Daemon.serving { daemon in
                let path = "/v1/models/digits:classify"
                let client = try Client(port: daemon.port)
                let expected = try client.request("POST", path, body: image, type: "image/png")
                    .predictionTexts()
                #expect(expected.count == 1)
                let bodies: [(type: String?, body: [UInt8])] = [
                    (nil, image),
                    ("application/octet-stream", image),
                    ("application/x-www-form-urlencoded", image), // what curl says of --data-binary
                    ("application/json", Array("{\"image\": \"\(encoded)\"}".utf8)),
                    ("multipart/form-data; boundary=edge", form([image], boundary: "edge")),
                ]
                for (type, body) in bodies {
                    let answer = try client.request("POST", path, body: body, type: type)
                    #expect(answer.status == 200, "\(type ?? "no type"): \(answer.text)")
                    #expect(answer.predictionTexts() == expected, "\(type ?? "no type")")
                }
                try client.send(Client.encodeChunked("POST", path, body: image, size: 50))
                #expect(try client.receive().predictionTexts() == expected)
            }
        }

        @Test func `answers pipelined requests in order and after the client has stopped sending`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let images = try ["digit-7.png", "digit-3.png", "digit-7.png"].map(Repository.example)
                try client.send(
                    images.flatMap { Client.encode("POST", "/v1/models/digits:classify", body: $0) }
                )
                client.shutdownWriting()
                let labels = try images.map { _ in
                    try client.receive().decoded(Classification.self).predictions.first?.label
                }
                #expect(labels == ["7", "3", "7"])
                #expect(try client.isAtEnd())
            }
        }
    }
}

/// A `multipart/form-data` body with one file part for each image.
func form(_ images: [[UInt8]], boundary: String) -> [UInt8] {
    let parts = images.enumerated().flatMap { index, image in
        let disposition = "Content-Disposition: form-data; name=\"image\"; filename=\"\(index).png\"\r\n"
        return Array("--\(boundary)\r\n\(disposition)\r\n".utf8) + image + Array("\r\n".utf8)
    }
    return parts + Array("--\(boundary)--\r\n".utf8)
}
