import API
import Engine
import Foundation
import HTTP
import HTTPTypes
import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Tasks
import Testing

/// The Open Inference Protocol on the bundled models, without a socket.
struct OpenInferenceTests {
    private let scheduler: Scheduler
    private let metrics = ServingMetrics(version: "test")
    private let api: Service

    init() throws {
        scheduler = try Scheduler(threads: 2, metrics: metrics)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: Repository.weights, logger: logger, warmUp: scheduler.warmUp)
        try registry.load { ["digits", "surnames", "temperature", "tagger"].contains($0) }
        api = try Service(
            registry: registry,
            metrics: metrics,
            scheduler: scheduler,
            generations: GenerationLimit(2),
            sequences: SequenceStore()
        )
    }

    private struct Answer {
        let response: Response
        /// Of the JSON that the body begins with.
        let json: JSONValue
        let binary: [UInt8]

        var status: Int { response.status.code }
        var error: String {
            guard case .string(let message)? = json["error"] else { return "" }
            return message
        }

        func numbers(_ output: Int = 0) -> [Float] {
            guard case .array(let outputs)? = json["outputs"], outputs.indices.contains(output),
                case .array(let data)? = outputs[output]["data"]
            else { return [] }
            return data.map { if case .number(let number) = $0 { Float(number) } else { .nan } }
        }

        var floats: [Float] {
            stride(from: 0, to: binary.count - binary.count % 4, by: 4).map { start in
                Float(bitPattern: binary[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            }
        }
    }

    private func ask(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8] = [],
        header: Int? = nil
    ) throws -> Answer {
        var fields: HTTPFields = [:]
        if let header, let name = HTTPField.Name("Inference-Header-Content-Length") {
            fields[name] = String(header)
        }
        let response = api.respond(to: Request(method: method, path: path, fields: fields, body: body))
        let length = HTTPField.Name("Inference-Header-Content-Length").flatMap { response.fields[$0] }
            .flatMap { Int($0) }
        let text = Array(response.body.prefix(length ?? response.body.count))
        let binary = Array(response.body.dropFirst(text.count))
        return Answer(
            response: response,
            json: text.isEmpty ? .null : try JSONValue(parsing: text),
            binary: binary
        )
    }

    private func infer(_ model: String, _ json: String, _ binary: [UInt8] = []) throws -> Answer {
        let text = Array(json.utf8)
        let header = binary.isEmpty ? nil : text.count
        return try ask(.post, "/v2/models/\(model)/infer", text + binary, header: header)
    }

    private func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
    }

    private let image: [Float] = (0..<1024).map { Float($0 % 37) / 18 - 1 }
    private let tensor = #""name": "input", "shape": [1, 1, 32, 32], "datatype": "FP32""#

    @Test func `a tensor gives the same numbers in binary, in flat and in nested JSON`() throws {
        defer { scheduler.stop() }
        let flat = image.map(\.description).joined(separator: ",")
        let rows = stride(from: 0, to: 1024, by: 32).map { start in
            "[\(image[start..<start + 32].map(\.description).joined(separator: ", "))]"
        }
        let nested = "[[[\(rows.joined(separator: ","))]]]"
        let binary = try infer(
            "digits",
            #"{"inputs": [{\#(tensor), "parameters": {"binary_data_size": 4096}}]}"#,
            bytes(image)
        )
        #expect(binary.status == 200, "\(binary.error)")
        #expect(binary.numbers().count == 10)
        #expect(abs(binary.numbers().reduce(0, +) - 1) < 1e-5)
        for data in ["[\(flat)]", nested] {
            #expect(
                try infer("digits", #"{"inputs": [{\#(tensor), "data": \#(data)}]}"#).numbers()
                    == binary.numbers()
            )
            // The data may come before what it is.
            let reversed = #"{"inputs": [{"data": \#(data), \#(tensor)}]}"#
            #expect(try infer("digits", reversed).numbers() == binary.numbers())
        }
        let wanted = #""outputs": [{"name": "probabilities", "parameters": {"binary_data": true}}]"#
        let answered = try infer("digits", #"{"inputs": [{\#(tensor), "data": [\#(flat)]}], \#(wanted)}"#)
        #expect(answered.floats == binary.numbers())
        #expect(answered.response.fields[.contentType] == "application/octet-stream")
        let all = #""parameters": {"binary_data_output": true}"#
        #expect(
            try infer("digits", #"{"inputs": [{\#(tensor), "data": [\#(flat)]}], \#(all)}"#).floats
                == binary.numbers()
        )
    }

    @Test func `a batch answers as its items do alone`() throws {
        defer { scheduler.stop() }
        let other = image.map { -$0 }
        func probabilities(_ values: [Float]) throws -> [Float] {
            let shape =
                #"{"name": "input", "shape": [\#(values.count / 1024), 1, 32, 32], "datatype": "FP32""#
            let json = #"{"inputs": [\#(shape), "parameters": {"binary_data_size": \#(values.count * 4)}}]}"#
            return try infer("digits", json, bytes(values)).numbers()
        }
        let both = try probabilities(image + other)
        #expect(try both == probabilities(image) + probabilities(other))
        #expect(both.count == 20)
    }

    @Test func `the id is given back, and the model and its version are named`() throws {
        defer { scheduler.stop() }
        let text =
            #"{"id": "a \" b", "inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": ["Kim"]}]}"#
        let answer = try infer("surnames/versions/1", text)
        #expect(answer.json["id"] == .string("a \" b"))
        #expect(answer.json["model_name"] == .string("surnames"))
        #expect(answer.json["model_version"] == .string("1"))
    }

    private static let malformed: [(text: String, binary: Int, word: String)] = [
        ("", 0, "JSON"), ("[]", 0, "object"), ("{}", 0, "input"), (#"{"inputs": {}}"#, 0, "array"),
        (#"{"inputs": [1]}"#, 0, "object"), (#"{"inputs": []}"#, 0, "input"),
        (#"{"inputs": [{"shape": [1], "datatype": "FP32", "data": [1]}]}"#, 0, "'name' is missing"),
        (#"{"inputs": [{"name": "input", "datatype": "FP32", "data": [1]}]}"#, 0, "'shape' is missing"),
        (#"{"inputs": [{"name": "input", "shape": [1], "data": [1]}]}"#, 0, "'datatype' is missing"),
        (#"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32"}]}"#, 0, "neither"),
        (#"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP31", "data": [1]}]}"#, 0, "FP32"),
        (#"{"inputs": [{"name": "input", "shape": [-1], "datatype": "FP32", "data": [1]}]}"#, 0, "-1"),
        (#"{"inputs": [{"name": "input", "shape": [0], "datatype": "FP32", "data": []}]}"#, 0, "at least 1"),
        (#"{"inputs": [{"name": "input", "shape": [1.5], "datatype": "FP32", "data": []}]}"#, 0, "1.5"),
        (
            #"{"inputs": [{"name": "input", "shape": [4294967296, 4294967296, 4294967296], "datatype": "FP32", "data": []}]}"#,
            0, "too many"
        ),
        (
            #"{"inputs": [{"name": "input", "shape": [1000000000], "datatype": "FP32", "data": [1]}]}"#, 0,
            "fewer"
        ),
        (#"{"inputs": [{"name": "input", "shape": [2], "datatype": "FP32", "data": [1,2,3]}]}"#, 0, "more"),
        (
            #"{"inputs": [{"name": "input", "shape": [2], "datatype": "FP32", "data": ["a","b"]}]}"#, 0,
            "numbers"
        ),
        (#"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32", "data": [1e99]}]}"#, 0, "32-bit"),
        (#"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP16", "data": [1]}]}"#, 0, "binary"),
        (#"{"inputs": [{"name": "input", "shape": [1], "datatype": "UINT8", "data": [256]}]}"#, 0, "UINT8"),
        (#"{"inputs": [{"name": "input", "shape": [1], "datatype": "INT32", "data": [0.5]}]}"#, 0, "INT32"),
        (
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}]}"#,
            3, "additional bytes"
        ),
        (
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}]}"#,
            5, "left over"
        ),
        (
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 8}}]}"#,
            8, "8 bytes"
        ),
        (
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": -1}}]}"#,
            8, "binary_data_size"
        ),
        (
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "FP32", "parameters": {"shared_memory_region": "r"}}]}"#,
            0, "shared memory"
        ),
        (
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 8}}]}"#,
            8, "4 bytes more"
        ),
        (#"{"parameters": {"triton_x": 1}, "inputs": []}"#, 0, "reserved"),
        (#"{"parameters": {"timeout": -1}, "inputs": []}"#, 0, "timeout"),
        (#"{"parameters": {"sequence_id": -1}, "inputs": []}"#, 0, "sequence_id"),
        (#"{"outputs": [{"name": "a"}, {"name": "a"}], "inputs": []}"#, 0, "twice"),
        (#"{"id": 1, "inputs": []}"#, 0, "id"),
    ]

    @Test(arguments: malformed)
    func `what is wrong with a request is said with 400`(text: String, binary: Int, word: String) throws {
        defer { scheduler.stop() }
        let answer = try infer("digits", text, Array(repeating: 0, count: binary))
        #expect(answer.status == 400)
        #expect(answer.error.contains(word), "\(answer.error)")
    }

    @Test(arguments: [
        ("digits", "FP32", "[1, 1, 32, 31]", 992 * 4, "shape"), ("digits", "FP32", "[1024]", 4096, "shape"),
        ("digits", "BOOL", "[1, 1, 32, 32]", 1024, "datatype"),
        ("surnames", "FP32", "[1, 1]", 4, "BYTES"), ("temperature", "FP32", "[1, 4]", 16, "shape"),
        ("temperature", "FP32", "[1, 2, 2]", 16, "shape"),
        ("digits", "UINT8", "[1025, 1, 1, 1]", 1025, "batch"),
    ])
    func `a tensor that is not the model's is refused`(
        model: String,
        type: String,
        shape: String,
        size: Int,
        word: String
    ) throws {
        defer { scheduler.stop() }
        let json =
            #"{"inputs": [{"name": "input", "shape": \#(shape), "datatype": "\#(type)", "parameters": {"binary_data_size": \#(size)}}]}"#
        let answer = try infer(model, json, Array(repeating: 0, count: size))
        #expect(answer.status == 400)
        #expect(answer.error.contains(word), "\(answer.error)")
    }

    @Test func `numbers of other types become floats`() throws {
        defer { scheduler.stop() }
        func answer(_ type: String, _ element: [UInt8]) throws -> [Float] {
            let json =
                #"{"inputs": [{"name": "input", "shape": [1, 1, 32, 32], "datatype": "\#(type)", "parameters": {"binary_data_size": \#(1024 * element.count)}}]}"#
            return try infer("digits", json, Array((0..<1024).map { _ in element }.joined())).numbers()
        }
        let twos = try answer("FP32", [0, 0, 0, 0x40])
        for (type, element) in [
            ("FP64", [0, 0, 0, 0, 0, 0, 0, 0x40]), ("FP16", [0, 0x40]), ("BF16", [0, 0x40]), ("UINT8", [2]),
            ("INT8", [2]), ("INT16", [2, 0]), ("UINT16", [2, 0]), ("INT32", [2, 0, 0, 0]),
            ("UINT32", [2, 0, 0, 0]),
            ("INT64", [2, 0, 0, 0, 0, 0, 0, 0]), ("UINT64", [2, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, [UInt8])] { #expect(try answer(type, element) == twos, "\(type)") }
        #expect(twos.count == 10)
        let minusOnes = try answer("FP32", [0, 0, 0x80, 0xBF])
        #expect(try answer("INT8", [0xFF]) == minusOnes)
        #expect(try answer("INT64", Array(repeating: 0xFF, count: 8)) == minusOnes)
    }

    @Test func `a number that is not finite is named`() throws {
        defer { scheduler.stop() }
        var values = image
        values[7] = .nan
        let json = #"{"inputs": [{\#(tensor), "parameters": {"binary_data_size": 4096}}]}"#
        let answer = try infer("digits", json, bytes(values))
        #expect(answer.status == 400)
        #expect(answer.error.contains("number 7"), "\(answer.error)")
    }

    @Test func `classes have their value, number and name`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let base64 = Data(png).base64EncodedString()
        let input =
            #"{"name": "input", "shape": [2, 1], "datatype": "BYTES", "data": ["\#(base64)", "\#(base64)"]}"#
        let output = #""outputs": [{"name": "probabilities", "parameters": {"classification": 2}}]"#
        let answer = try infer("digits", #"{"inputs": [\#(input)], \#(output)}"#)
        guard case .array(let outputs)? = answer.json["outputs"], case .array(let data)? = outputs[0]["data"]
        else {
            Issue.record("\(answer.json.text)")
            return
        }
        #expect(outputs[0]["shape"] == .array([.integer(2), .integer(2)]))
        #expect(outputs[0]["datatype"] == .string("BYTES"))
        #expect(data.count == 4)
        guard case .string(let best) = data[0] else { return }
        let parts = best.split(separator: ":")
        #expect(parts[0].count == 8 && parts[1] == "7" && parts[2] == "7", "\(best)")
        let wrong = #"{"inputs": [\#(input)], "outputs": [{"name": "logit"}]}"#
        #expect(try infer("digits", wrong).error.contains("probabilities, logits"))
    }

    @Test func `sequences of different lengths are one padded tensor`() throws {
        defer { scheduler.stop() }
        func values(_ json: String) throws -> [Float] {
            let answer = try infer("temperature", json)
            #expect(answer.status == 200, "\(answer.error)")
            return answer.numbers()
        }
        func input(_ data: String, _ shape: String) -> String {
            #"{"name": "input", "shape": \#(shape), "datatype": "FP32", "data": \#(data)}"#
        }
        let short = try values(#"{"inputs": [\#(input("[9, 8]", "[1, 2, 1]"))]}"#)
        let long = try values(#"{"inputs": [\#(input("[9, 8, 7]", "[1, 3, 1]"))]}"#)
        let lengths = #"{"name": "lengths", "shape": [2], "datatype": "INT32", "data": [2, 3]}"#
        let both = #"{"inputs": [\#(lengths), \#(input("[9, 8, 99, 9, 8, 7]", "[2, 3, 1]"))]}"#
        #expect(try values(both) == short + long)
        let tooLong = lengths.replacing("3]", with: "4]")
        let refused = try infer(
            "temperature",
            #"{"inputs": [\#(tooLong), \#(input("[1, 2, 3, 4, 5, 6]", "[2, 3, 1]"))]}"#
        )
        #expect(refused.status == 400)
        #expect(refused.error.contains("lengths"))
    }

    @Test func `shorter texts of a batch are padded, and their steps counted`() throws {
        defer { scheduler.stop() }
        let json =
            #"{"inputs": [{"name": "input", "shape": [2], "datatype": "BYTES", "data": ["Dogs bark", "The old dog barks"]}]}"#
        let answer = try infer("tagger", json)
        #expect(answer.numbers(1) == [2, 4])
        let classes = answer.numbers(0).count / 8
        #expect(answer.numbers(0)[(2 * classes)..<(4 * classes)].allSatisfy { $0 == 0 })
    }

    @Test func `a body without JSON is one item`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let path = "/v2/models/digits/infer"
        let tensor = try ask(.post, path, bytes(image), header: 0)
        #expect(tensor.status == 200)
        let json = #"{"inputs": [{\#(self.tensor), "parameters": {"binary_data_size": 4096}}]}"#
        #expect(try tensor.floats == infer("digits", json, bytes(image)).numbers())
        let encoded = try ask(.post, path, png, header: 0)
        #expect(encoded.floats.count == 10 && encoded.floats.max() == encoded.floats[7])
        #expect(try ask(.post, path, [1, 2, 3], header: 0).status == 422)
        #expect(try ask(.post, path, [], header: 0).status == 400)
        #expect(
            try ask(.post, "/v2/models/temperature/infer", bytes([9, 8, 7]), header: 0).floats.count == 1
        )
    }

    @Test(arguments: ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models", "/v2/models/digits/ready"])
    func `probes answer`(path: String) throws {
        defer { scheduler.stop() }
        #expect(try ask(.get, path).status == 200)
    }

    @Test func `what a model takes and answers is described`() throws {
        defer { scheduler.stop() }
        for (model, input, output) in [
            ("digits", "[-1,1,32,32]", "[-1,10]"), ("surnames", "[-1,1]", "[-1,18]"),
            ("temperature", "[-1,-1,1]", "[-1,1]"), ("tagger", "[-1,1]", "[-1,-1,17]"),
        ] {
            let json = try ask(.get, "/v2/models/\(model)").json
            #expect(json["inputs"]?[0]?["shape"]?.text == input)
            #expect(json["outputs"]?[0]?["shape"]?.text == output)
            let configuration = try ask(.get, "/v2/models/\(model)/config").json
            #expect(configuration["max_batch_size"] == .integer(1024))
            #expect(configuration["input"]?[0]?["name"] == json["inputs"]?[0]?["name"])
        }
        #expect(try ask(.get, "/v2/models/digit").error.contains("digits"))
        #expect(try ask(.get, "/v2/models/digits/versions/3/ready").status == 404)
    }

    @Test(arguments: [
        "/v2/logging", "/v2/trace/setting", "/v2/models/digits/trace/setting",
        "/v2/systemsharedmemory/status",
        "/v2/cudasharedmemory/region/a/status",
    ])
    func `what Martlet has not is said so`(path: String) throws {
        defer { scheduler.stop() }
        let answer = try ask(.get, path)
        #expect(answer.status == 501)
        #expect(!answer.error.isEmpty)
    }

    @Test func `statistics count what ran`() throws {
        defer { scheduler.stop() }
        let json =
            #"{"inputs": [{"name": "input", "shape": [3, 1, 32, 32], "datatype": "FP32", "parameters": {"binary_data_size": 12288}}]}"#
        let before = try ask(.get, "/v2/models/digits/stats").json["model_stats"]?[0]
        #expect(try infer("digits", json, bytes(image + image + image)).status == 200)
        #expect(try infer("digits", #"{"inputs": []}"#).status == 400)
        let after = try ask(.get, "/v2/models/digits/versions/1/stats").json["model_stats"]?[0]
        func change(_ path: String...) -> Double {
            func value(_ json: JSONValue?) -> Double {
                guard case .number(let number)? = path.reduce(json, { $0?[$1] }) else { return .nan }
                return number
            }
            return value(after) - value(before)
        }
        #expect(change("inference_count") == 3)
        #expect(change("inference_stats", "success", "count") == 1)
        #expect(change("inference_stats", "fail", "count") == 1)
        #expect(change("inference_stats", "compute_input", "count") == 1)
        #expect(change("inference_stats", "compute_infer", "ns") > 0)
        #expect(change("execution_count") >= 1)
        guard case .array(let all)? = try ask(.get, "/v2/models/stats").json["model_stats"] else { return }
        #expect(all.count == 4)
    }
}

/// A model that is let go while requests have it.
struct UnloadingTests {
    @Test func `a model that answers its last requests is unloading`() throws {
        let folder = try TemporaryFolder()
        let manager = FileManager.default
        try manager.copyItem(atPath: "\(Repository.weights)/digits", toPath: "\(folder.path)/digits")
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let registry = Registry(
            folder: folder.path,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            retire: { scheduler.retire($0) }
        )
        try registry.load()
        let api = try Service(registry: registry, scheduler: scheduler)
        func ask(_ path: String) -> Response {
            api.respond(to: Request(method: .post, path: "/v2/repository/" + path, client: "127.0.0.1"))
        }
        func states() throws -> [String] {
            guard case .array(let entries) = try JSONValue(parsing: ask("index").body) else { return [] }
            return entries.compactMap { if case .string(let state)? = $0["state"] { state } else { nil } }
        }
        #expect(try states() == ["READY"])
        var model: Model? = try registry.model(named: "digits")
        #expect(ask("models/digits/unload").status == .ok)
        #expect(try states() == ["UNLOADING"])
        // So it is of one whose folder is gone.
        #expect(ask("models/digits/load").status == .ok)
        #expect(try states() == ["READY"])
        try manager.removeItem(atPath: "\(folder.path)/digits")
        _ = try TestLane.shared.wait { () async throws in try await registry.reload() }
        #expect(try states() == ["UNLOADING"])
        #expect(model != nil)
        model = nil
        while try states() != [] {}
    }
}

extension JSONValue {
    fileprivate subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}
