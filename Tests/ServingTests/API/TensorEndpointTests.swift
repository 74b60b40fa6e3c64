import API
import Foundation
import HTTP
import HTTPTypes
import Support
import Testing

/// A network with three inputs and three outputs of different types, through every protocol.
struct TensorEndpointTests {
    private let folder: TemporaryFolder
    private let api: BundledAPI

    init() throws {
        folder = try FinderModels.folder()
        api = try BundledAPI(["pair"], in: folder.path)
    }

    private static let a = "[[1, 2, 3], [6, 5, 4]]"
    private static let row = #"{"a": \#(a), "b": [10, 20, 30], "mask": [true, false]}"#

    private static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    // MARK: TensorFlow Serving and KServe V1

    @Test func `rows have a tensor for each input, and columns a list`() throws {
        let row = try Self.json(
            #"{"sum": [[11, 22, 33], [16, 25, 34]], "most": [2, 0], "kept": [false, true]}"#
        )
        let rows = api.post("/v1/models/pair:predict", json: #"{"instances": [\#(Self.row), \#(Self.row)]}"#)
        #expect(rows.json["predictions"] == .array([row, row]), "\(rows.json.text)")
        let columns = api.post(
            "/v1/models/pair:predict",
            json: #"{"inputs": {"mask": [[1, 0]], "a": [\#(Self.a)], "b": [[10, 20, 30]]}}"#
        )
        #expect(
            columns.json["outputs"]
                == .object([
                    "sum": .array([row["sum"] ?? .null]), "most": .array([row["most"] ?? .null]),
                    "kept": .array([row["kept"] ?? .null]),
                ]),
            "\(columns.json.text)"
        )
        #expect(api.post("/predictions/pair", json: Self.row).json == row)
        #expect(api.post("/hf/pair", json: #"{"inputs": 1}"#).status == 400)
    }

    // swift-format-ignore
    @Test(arguments: [
        (#"{"instances": [{"a": [[1,2,3],[4,5,6]], "b": [1,2,3]}]}"#,                          "input 'mask' is missing"),
        (#"{"instances": [{"a": [[1,2],[4,5]], "b": [1,2,3], "mask": [true,true]}]}"#,         "input 'a' of [2, 3]: expected 3, found 2"),
        (#"{"instances": [{"a": [[1,2,3]], "b": [1,2,3], "mask": [true,true]}]}"#,             "input 'a' of [2, 3]: expected 2, found 1"),
        (#"{"instances": [{"a": 1, "b": [1,2,3], "mask": [true,true]}]}"#,                     "expected an array of 2, found"),
        (#"{"instances": [{"a": [[1,2,3],[4,5,6]], "b": [1,2,16777217], "mask": [1,1]}]}"#,    "expected a I64 that 32-bit floats hold, found 16777217"),
        (#"{"instances": [{"a": [[1,2,3],[4,5,6]], "b": [1,2,0.5], "mask": [1,1]}]}"#,         "found 0.5"),
        (#"{"instances": [{"a": [[1,2,3],[4,5,1e99]], "b": [1,2,3], "mask": [1,1]}]}"#,        "expected a 32-bit float"),
        (#"{"instances": [{"a": [[1,2,3],[4,5,6]], "b": [1,2,3], "mask": [1,2]}]}"#,           "input 'mask'"),
        (#"{"instances": [{"c": 1}]}"#,                                                        "unknown input 'c'"),
        (#"{"instances": [[1, 2]]}"#,                                                          "expected an object with the inputs 'a', 'b', 'mask'"),
        (#"{"inputs": {"a": [[[1,2,3],[4,5,6]]], "b": [], "mask": [[1,1]]}}"#,                 "different numbers of items: [0, 1]"),
        (#"{"inputs": {"a": 3}}"#,                                                             "expected a list of items"),
        (#"{"instances": [{"a": 1}], "parameters": {"sequence_id": "x"}}"#,                    ""),
        (#"{"instances": [{"a": 1}], "parameters": {"horizon": 2}}"#,                          ""),
        (#"{"instances": []}"#,                                                                "expected 1 to 1024"),
    ])
    func `says what is wrong with a tensor`(body: String, part: String) {
        let answer = api.post("/v1/models/pair:predict", json: body)
        #expect(answer.status == 400, "\(answer.status)")
        #expect(answer.json["error"]?.textValue?.contains(part) == true || part.isEmpty, "\(answer.json.text)")
    }

    // MARK: V2

    private func infer(_ inputs: String, _ outputs: String = "") -> BundledAPI.Answer {
        api.post("/v2/models/pair/infer", json: #"{"inputs": [\#(inputs)]\#(outputs)}"#)
    }

    private static let inputs = #"""
        {"name": "mask", "shape": [1, 2], "datatype": "BOOL", "data": [true, false]},
        {"name": "a", "shape": [1, 2, 3], "datatype": "FP32", "data": [1, 2, 3, 6, 5, 4]},
        {"name": "b", "shape": [1, 3], "datatype": "INT64", "data": [[10, 20, 30]]}
        """#

    @Test func `V2 lists names, types and shapes`() throws {
        let json = api.get("/v2/models/pair").json
        #expect(
            json["inputs"]
                == (try Self.json(
                    #"[{"name": "a", "datatype": "FP32", "shape": [-1, 2, 3]}, {"name": "b", "datatype": "INT64", "shape": [-1, 3]}, {"name": "mask", "datatype": "BOOL", "shape": [-1, 2]}]"#
                ))
        )
        #expect(
            json["outputs"]?.elements.map { $0["datatype"] } == ["FP32", "INT64", "BOOL"].map { .string($0) }
        )
        let configuration = api.get("/v2/models/pair/config").json
        #expect(configuration["input"]?.elements.count == 3)
        let listing = api.get("/v1/models/pair").json
        #expect(listing["input"]?["tensors"]?.elements.count == 3 && listing["outputs"]?.elements.count == 3)
        #expect(listing["classes"] == nil)
        let metadata = api.get("/v1/models/pair/metadata").json["metadata"]
        let signature = metadata?["signature_def"]?["signature_def"]?["serving_default"]
        #expect(signature?["inputs"]?["mask"]?["dtype"] == .string("DT_BOOL"))
    }

    @Test func `V2 takes tensors in any order, and answers those that are asked for`() throws {
        let answer = infer(Self.inputs)
        let outputs = answer.json["outputs"]?.elements ?? []
        #expect(
            outputs.map { $0["name"] } == ["sum", "most", "kept"].map { .string($0) },
            "\(answer.json.text)"
        )
        #expect(outputs[0]["data"] == .array([11, 22, 33, 16, 25, 34].map(JSONValue.integer)))
        #expect(outputs[1]["data"] == .array([2, 0].map(JSONValue.integer)))
        #expect(outputs[2]["data"] == .array([.bool(false), .bool(true)]))
        let one = infer(Self.inputs, #", "outputs": [{"name": "most"}]"#).json["outputs"]?.elements ?? []
        #expect(one.count == 1 && one[0]["shape"] == .array([.integer(1), .integer(2)]))
        let classes = #", "outputs": [{"name": "most", "parameters": {"classification": 2}}]"#
        #expect(infer(Self.inputs, classes).status == 400)
    }

    @Test func `binary tensors are read and written by their types`() throws {
        func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
            numbers.flatMap { number in
                (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
            }
        }
        let a = bytes([Float(1), 2, 3, 6, 5, 4, 0, 0, 9, 8, 0, -1].map(\.bitPattern))
        let head = #"""
            {"inputs": [{"name": "a", "shape": [2, 2, 3], "datatype": "FP32", "parameters": {"binary_data_size": 48}},
            {"name": "b", "shape": [2, 3], "datatype": "INT32", "parameters": {"binary_data_size": 24}},
            {"name": "mask", "shape": [2, 2], "datatype": "BOOL", "parameters": {"binary_data_size": 4}}],
            "parameters": {"binary_data_output": true}}
            """#
        let header = try #require(HTTPField.Name("Inference-Header-Content-Length"))
        func send(_ b: [Int32], _ mask: [UInt8]) -> Response {
            api.service.respond(
                to: Request(
                    method: .post,
                    path: "/v2/models/pair/infer",
                    fields: [header: String(head.utf8.count)],
                    body: Array(head.utf8) + a + bytes(b) + mask
                )
            )
        }
        let answer = send([10, -20, 30, 1, 2, 16_777_216], [1, 0, 0, 1])
        #expect(answer.status == .ok, "\(String(decoding: answer.body, as: UTF8.self))")
        let length = try #require(answer.fields[header].flatMap { Int($0) })
        let sums: [Float] = [11, -18, 33, 16, -15, 34, 1, 2, 16_777_224, 9, 2, 16_777_215]
        let expected = bytes(sums.map(\.bitPattern)) + bytes([Int64(2), 0, 2, 0]) + [0, 1, 1, 0]
        #expect(Array(answer.body[length...]) == expected)
        // What no float holds is refused, and so is what no truth value is.
        #expect(send([0, 0, 16_777_217, 0, 0, 0], [1, 0, 0, 1]).status == .badRequest)
        #expect(send([0, 0, 0, 0, 0, 0], [1, 0, 0, 2]).status == .badRequest)
    }

    // swift-format-ignore
    @Test(arguments: [
        (#"{"name": "a", "shape": [1, 2, 3], "datatype": "FP32", "data": [1,2,3,4,5,6]}"#,     "expected the input 'b', found none"),
        (#"{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}"#,                      "unexpected inference input 'x'; the model takes a, b, mask"),
        (#"{"name": "a", "shape": [2, 3], "datatype": "FP32", "data": [1,2,3,4,5,6]}"#,        "expected shape [-1, 2, 3], found [2, 3]"),
        (#"{"name": "a", "shape": [1, 2, 3], "datatype": "BYTES", "data": ["","","","","",""]}"#, "expected datatype FP32, found BYTES"),
        (inputs.replacingOccurrences(of: "INT64", with: "FP32"),                                "expected datatype INT64, found FP32"),
        (inputs.replacingOccurrences(of: "BOOL", with: "UINT8").replacingOccurrences(of: "true, false", with: "1, 0"), "expected datatype BOOL, found UINT8"),
        (inputs.replacingOccurrences(of: "true, false", with: "true, 2"),                       "expected true or false"),
        (inputs.replacingOccurrences(of: "30]", with: "16777217]"),                             "16777217 is no whole number that 32-bit floats hold"),
        (inputs.replacingOccurrences(of: #""shape": [1, 3]"#, with: #""shape": [2, 3]"#).replacingOccurrences(of: "30]", with: "30,1,2,3]"), "expected a batch of 1, found 2"),
    ])
    func `V2 says what is wrong with a tensor`(inputs: String, part: String) {
        let answer = infer(inputs)
        #expect(answer.status == 400 && answer.json["error"]?.textValue?.contains(part) == true, "\(answer.json.text)")
    }

    @Test func `other verbs say that there are tensors`() {
        for verb in ["classify", "detect", "segment", "embed", "explain"] {
            let answer = api.post("/v1/models/pair:\(verb)", Array("x".utf8))
            #expect(answer.status == 400, "\(verb): \(answer.json.text)")
        }
    }
}
