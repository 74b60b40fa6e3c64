import ONNX
import Testing

/// What is said of a file before it is served.
@Suite struct ExaminationTests {
    /// An image of any size, times a number, and flattened.
    private func image(_ op: String = "Relu") -> [UInt8] {
        var writer = ModelWriter()
        writer.input("x", open: ["n", nil, "height", "width"])
        writer.node(op, ["x"], ["y"])
        writer.output("y")
        return writer.bytes()
    }

    @Test func `assumes extents that nobody gives, and says so`() throws {
        let all = try Examination(parsing: image(), folder: nil)
        #expect(all.open.map(\.key) == ["x:1", "height", "width"])
        #expect(all.open.map(\.extent) == [16, 224, 224])
        #expect(try all.result.get().inputs.map(\.dimensions) == [[1, 16, 224, 224]])
        let given = try Examination(parsing: image(), folder: nil, dimensions: ["x:1": 3, "height": 8])
        #expect(given.open.map(\.key) == ["width"])
        #expect(try given.result.get().inputs.map(\.dimensions) == [[1, 3, 8, 224]])
    }

    @Test func `counts operators, and lists the nodes that stand in the way`() throws {
        let found = try Examination(parsing: image("NoSuchOp"), folder: nil)
        #expect(found.operators.map(\.op) == ["NoSuchOp"])
        #expect(found.problems.map(\.node) == ["y"])
        #expect(throws: ONNXError.self) { try Examination(parsing: [1, 2, 3], folder: nil) }
    }

    @Test func `takes open extents and the batch from tensors`() throws {
        let inputs = try OpenInput.all(parsing: image())
        let one = try GivenShapes(["x": [5, 3, 8, 9]], for: inputs)
        #expect(one.batch == 5)
        #expect(one.dimensions == ["x:0": 1, "x:1": 3, "x:2": 8, "x:3": 9])
        // A first extent that is given is no batch.
        let fixed = try GivenShapes(["x": [5, 3, 8, 9]], for: inputs, fixed: ["n": 5])
        #expect(fixed.batch == 1 && fixed.dimensions["n"] == 5)
        #expect(throws: ONNXError.self) { try GivenShapes(["x": [5, 3, 8]], for: inputs) }
        #expect(throws: ONNXError.self) { try GivenShapes([:], for: inputs) }
        #expect(throws: ONNXError.self) {
            try GivenShapes(["x": [5, 3, 8, 9]], for: inputs, fixed: ["height": 7])
        }
    }

    @Test func `takes an extent for the batch only where all inputs have it`() throws {
        let inputs = [
            OpenInput(name: "steps", extents: [.open("t"), .fixed(4)], type: .float),
            OpenInput(name: "state", extents: [.fixed(1), .fixed(1), .fixed(2)], type: .float),
        ]
        let found = try GivenShapes(["steps": [7, 4], "state": [1, 1, 2]], for: inputs)
        #expect(found.batch == 1 && found.dimensions == ["steps:0": 7])
        // One is a batch of seven, the other is not.
        #expect(throws: ONNXError.self) {
            try GivenShapes(["steps": [5, 4], "state": [7, 1, 2]], for: inputs)
        }
        let batched = try GivenShapes(["steps": [7, 4], "state": [7, 1, 2]], for: inputs)
        #expect(batched.batch == 7 && batched.dimensions["steps:0"] == 1)
    }
}
