import API
import Engine
import Foundation
import HTTP
import HTTPTypes
import Models
import Support
import Synchronization
import Testing

/// Networks whose inputs have extents that requests choose, through the protocols.
struct OpenShapeTests {
    private let models: OpenModels
    private let api: BundledAPI

    init() throws {
        models = try OpenModels()
        api = try BundledAPI(OpenModels.names, in: models.folder.path)
    }

    private func infer(_ model: String, _ inputs: String) -> BundledAPI.Answer {
        api.post("/v2/models/\(model)/infer", json: #"{"inputs": [\#(inputs)]}"#)
    }

    private func numbers(_ answer: BundledAPI.Answer, _ name: String) -> (shape: [Int], data: [Float]) {
        let output = answer.json["outputs"]?.elements.first { $0["name"] == .string(name) }
        func list(_ key: String) -> [Double] {
            output?[key]?.elements.map { if case .number(let number) = $0 { number } else { .nan } } ?? []
        }
        return (list("shape").map { Int($0) }, list("data").map { Float($0) })
    }

    private func shapes(_ list: JSONValue?) -> [String] {
        list?.elements.map { $0["shape"]?.text ?? "" } ?? []
    }

    @Test(arguments: OpenModels.cases) func `answers as ONNX Runtime does, whatever the shape`(
        _ row: OpenModels.Case
    ) throws {
        let answer = infer(row.network, try models.inputs(row))
        #expect(answer.status == 200, "\(answer.json.text)")
        for name in row.outputs {
            let expected = try models.tensor(row, name)
            let found = numbers(answer, name)
            #expect(found.shape == expected.shape.dimensions)
            let largest = expected.values.reduce(0) { max($0, abs($1)) }
            let worst = zip(found.data, expected.values).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(found.data.count == expected.values.count)
            #expect(worst <= 1e-4 * largest, "\(worst) of \(largest)")
        }
    }

    @Test func `what one shape packs in another form, or not at all, is there for each`() throws {
        for name in ["one", "short", "long"] {
            let inputs = try models.inputs(.init(network: "steps", name: name))
            let found = infer("onestep", inputs)
            #expect(found.status == 200)
            let expected = numbers(infer("steps", inputs), "y").data
            let largest = expected.reduce(0) { max($0, abs($1)) }
            for (one, other) in zip(numbers(found, "y").data, expected) {
                #expect(abs(one - other) <= 1e-6 * largest)
            }
        }
    }

    @Test func `says −1 for what requests choose`() throws {
        let any = api.get("/v2/models/anysize").json
        #expect(shapes(any["inputs"]) == ["[-1,3,-1,-1]"], "\(any.text)")
        #expect(shapes(any["outputs"]) == ["[-1,2,-1,-1]", "[-1,2]"])
        #expect(shapes(api.get("/v2/models/fixed").json["inputs"]) == ["[-1,3,9,-1]"])
        #expect(shapes(api.get("/v2/models/stepsfirst").json["inputs"]) == ["[-1,1,5]"])
        #expect(shapes(api.get("/v2/models/stepsfirst").json["outputs"]) == ["[-1,1,7]"])
        #expect(shapes(api.get("/v2/models/couple").json["inputs"]) == ["[-1,-1]", "[-1,-1]"])
        let configuration = api.get("/v2/models/anysize/config").json
        #expect(configuration["input"]?.elements.first?["dims"]?.text == "[3,-1,-1]")
        let listing = api.get("/v1/models/anysize").json
        #expect(shapes(listing["input"]?["tensors"]) == ["[3,-1,-1]"])
        #expect(shapes(listing["outputs"]) == ["[2,-1,-1]", "[2]"])
    }

    @Test func `takes numbers behind JSON, and a body that is one tensor with one open extent`() throws {
        let row = OpenModels.Case(network: "steps", name: "long")
        let tensor = try models.tensor(row, "x")
        let expected = numbers(infer("steps", try models.inputs(row)), "y").data
        let bytes = tensor.values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
        let json = Array(
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 23, 5], "parameters": {"binary_data_size": 460}}]}"#
                .utf8
        )
        func post(_ model: String, _ length: Int, _ body: [UInt8]) -> BundledAPI.Answer {
            var fields = HTTPFields()
            if let name = HTTPField.Name("Inference-Header-Content-Length") { fields[name] = "\(length)" }
            return api.answer(
                Request(method: .post, path: "/v2/models/\(model)/infer", fields: fields, body: body)
            )
        }
        #expect(numbers(post("steps", json.count, json + bytes), "y").data == expected)
        // What comes without JSON is answered without.
        let raw = post("alone", 0, bytes).body.suffix(4 * expected.count)
        let words = stride(from: raw.startIndex, to: raw.endIndex, by: 4).map { place in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(raw[place + $1]) << UInt32(8 * $1) }
        }
        #expect(words == expected.map(\.bitPattern))
        let several = post("anysize", 0, bytes)
        #expect(several.status == 400)
        #expect(several.json["error"]?.textValue?.contains("several extents of [3, -1, -1] are open") == true)
    }

    @Test func `gives the same bits alone, in a batch and under load`() throws {
        let rows = OpenModels.cases.filter { ["anysize", "steps"].contains($0.network) }
        var alone: [String: [[UInt32]]] = [:]
        for row in rows {
            alone[row.name + row.network] = try models.tensor(row, "x").items.map { item in
                let one = item.reshaped(to: Shape([1] + item.shape.dimensions))
                return numbers(infer(row.network, OpenModels.json("x", one)), "y").data.map(\.bitPattern)
            }
        }
        let failures = Mutex<[String]>([])
        let expected = alone.mapValues { Array($0.joined()) }
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            for step in 0..<rows.count {
                let row = rows[(index + step) % rows.count]
                guard let inputs = try? models.inputs(row) else { return }
                let found = numbers(infer(row.network, inputs), "y").data.map(\.bitPattern)
                if found != expected[row.name + row.network] {
                    failures.withLock { $0.append(row.testDescription) }
                }
            }
        }
        #expect(failures.withLock { $0 } == [])
    }

    // swift-format-ignore
    @Test(arguments: [
        ("anysize", #"{"name": "x", "datatype": "FP32", "shape": [1, 3, 2], "data": [1,2,3,4,5,6]}"#,              400, "input 'x': expected 4 dimensions, batch×3×height×width, found [1, 3, 2]"),
        ("anysize", #"{"name": "x", "datatype": "FP32", "shape": [1, 2, 1, 1], "data": [1,2]}"#,                    400, "input 'x', dimension 1: expected 3, found 2"),
        ("fixed",   #"{"name": "x", "datatype": "FP32", "shape": [1, 3, 1, 1], "data": [1,2,3]}"#,                  400, "input 'x', dimension 2: expected 9, found 1"),
        ("anysize", #"{"name": "x", "datatype": "BYTES", "shape": [1, 3, 1, 1], "data": ["","",""]}"#,              400, "input 'x': expected datatype FP32, found BYTES"),
        ("anysize", #"{"name": "z", "datatype": "FP32", "shape": [1], "data": [1]}"#,                               400, "unexpected inference input 'z'"),
        ("anchors", #"{"name": "x", "datatype": "FP32", "shape": [1, 3, 1, 2], "data": [1,2,3,4,5,6]}"#,            400, "the network cannot take inputs of these shapes"),
        ("couple",  #"{"name": "tokens", "datatype": "INT64", "shape": [1, 2], "data": [1,2]}"#,                    400, "expected the input 'mask', found none"),
        ("couple",  #"{"name": "tokens", "datatype": "INT64", "shape": [1, 2], "data": [1,2]}, {"name": "mask", "datatype": "FP32", "shape": [1, 1], "data": [1]}"#,       400, "input 'mask', dimension 1: expected 2, which 'length' is in input 'tokens', found 1"),
    ])
    func `says which input, dimension and extent is wrong`(model: String, inputs: String, status: Int, part: String) {
        let answer = infer(model, inputs)
        #expect(answer.status == status, "\(answer.json.text)")
        #expect(answer.json["error"]?.textValue?.contains(part) == true, "\(answer.json.text)")
    }

    @Test func `keeps no more networks than it may, in one queue, and gives back what they took`() throws {
        for width in 1...7 {
            let zeros = Tensor(shape: [1, 3, 4, width], values: [Float](repeating: 0, count: 12 * width))
            #expect(infer("anysize", OpenModels.json("x", zeros)).status == 200)
        }
        let model = try api.registry.model(named: "anysize")
        #expect(model.shapes?.counts.kept == 3)
        #expect(model.shapes?.counts.made == 7)
        #expect(api.scheduler.queues().count { $0.network.model == "anysize" } == 1)
        #expect(api.get("/v2/models/anysize").status == 200)
    }

    @Test func `a form without shapes says where to ask`() {
        for (path, body) in [
            ("/v1/models/steps:predict", #"{"instances": [[[1,2,3,4,5]]]}"#),
            ("/v1/models/couple:predict", #"{"inputs": {"tokens": [[1]], "mask": [[1]]}}"#),
            ("/predictions/steps", "[[1,2,3,4,5]]"),
        ] {
            let answer = api.post(path, json: body)
            #expect(answer.status == 400, "\(path) \(answer.json.text)")
            #expect(String(decoding: answer.body, as: UTF8.self).contains("are open"), "\(answer.json.text)")
        }
    }
}
