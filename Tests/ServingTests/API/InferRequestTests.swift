import API
import Engine
import Platform
import Support
import Testing

/// How the bytes of an inference request are divided, without a model.
struct InferRequestTests {
    private static let json =
        #"{"id": "7", "inputs": [{"name": "a", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 11}}, "#
        + #"{"name": "b", "shape": [2, 1], "datatype": "INT64", "parameters": {"binary_data_size": 16}}, "#
        + #"{"data": [[1.5, -2], [3, 4e1]], "name": "c", "shape": [2, 2], "datatype": "FP32"}], "#
        + #""outputs": [{"name": "d", "parameters": {"binary_data": true, "classification": 3}}], "#
        + #""parameters": {"sequence_id": 18446744073709551615, "sequence_start": true, "timeout": 5}}"#
    private static let binary: [UInt8] = [1, 0, 0, 0, 65, 2, 0, 0, 0, 66, 67] + (0..<16)

    private let budget = MemoryBudget(limit: 1 << 20)

    private func read(_ body: [UInt8], _ length: Int?) throws -> InferRequest {
        try InferRequest(body, headerLength: length, budget: budget)
    }

    @Test func `binary data lies behind the JSON in the order of the inputs`() throws {
        let text = Array(Self.json.utf8)
        let request = try read(text + Self.binary, text.count)
        #expect(request.id == "7")
        #expect(request.inputs.map(\.name) == ["a", "b", "c"])
        #expect(request.inputs.map(\.count) == [2, 2, 4])
        guard case .elements(let elements, false) = request.inputs[0].data else {
            Issue.record("\(request.inputs[0].data)")
            return
        }
        #expect(elements.map(Array.init) == [[65], [66, 67]])
        guard case .bytes(let range) = request.inputs[1].data else {
            Issue.record("\(request.inputs[1].data)")
            return
        }
        #expect(range == text.count + 11..<text.count + 27)
        guard case .numbers(let numbers) = request.inputs[2].data else {
            Issue.record("\(request.inputs[2].data)")
            return
        }
        #expect(numbers == [1.5, -2, 3, 40])
        #expect(request.outputs?.map(\.classes) == [3])
    }

    @Test func `what was read is leased as long as the request is there`() throws {
        let text = Array(
            #"{"inputs": [{"name": "a", "shape": [3], "datatype": "FP32", "data": [1, 2, 3]}]}"#.utf8
        )
        do {
            let request = try read(text, nil)
            #expect(budget.used >= 12)
            #expect(request.inputs.count == 1)
        }
        #expect(budget.used == 0)
        let small = MemoryBudget(limit: 64)
        #expect(throws: ServingError.self) { try InferRequest(text, budget: small) }
        #expect(small.used == 0)
    }

    @Test func `mutated requests are refused or hold what they say`() throws {
        var random = SplitMix64(seed: 1604)
        let text = Array(Self.json.utf8)
        for round in 0..<10_000 {
            var body = text + Self.binary
            var length: Int? = text.count
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<body.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: body.remove(at: place)
                case 1:
                    body.insert(
                        Array(#"0123456789-[]{}",:."#.utf8).randomElement(using: &random) ?? 0,
                        at: place
                    )
                case 2: body[place] = UInt8.random(in: 0...255, using: &random)
                case 3: body[place] = Array("0123456789".utf8).randomElement(using: &random) ?? 0
                default: length = Int.random(in: 0...body.count + 2, using: &random)
                }
            }
            if let request = try? read(body, length) {
                check(request, body, from: length ?? 0, "round \(round)")
            }
            #expect(budget.used == 0, "round \(round)")
        }
    }

    private func check(_ request: InferRequest, _ body: [UInt8], from start: Int, _ place: String) {
        var end = start
        for input in request.inputs {
            #expect(input.shape.reduce(1, *) == input.count, "\(place)")
            switch input.data {
            case .bytes(let range):
                #expect(range.lowerBound == end && range.count % input.count == 0, "\(place)")
                end = range.upperBound
            case .numbers(let numbers): #expect(numbers.count == input.count, "\(place)")
            case .elements(let elements, let isJSON):
                #expect(elements.count == input.count, "\(place)")
                for element in elements where !isJSON {
                    #expect(element.startIndex == end + 4, "\(place)")
                    end = element.endIndex
                }
            }
        }
        #expect(end == body.count, "\(place)")
    }
}
