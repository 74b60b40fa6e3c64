import Engine
import ONNX
import Testing

/// Graphs within graphs, and extents that the data decides.
@Suite struct ControlFlowTests {
    private func network(_ build: (inout ModelWriter) -> Void) throws(ONNXError) -> ImportedNetwork {
        var writer = ModelWriter()
        build(&writer)
        return try ImportedNetwork(parsing: writer.bytes(), folder: nil)
    }

    private func failure(_ build: (inout ModelWriter) -> Void) -> String {
        do {
            _ = try network(build)
            return "imported"
        } catch {
            return error.description
        }
    }

    /// The outputs of a network for each of some items, in one batch.
    private func outputs(_ network: ImportedNetwork, _ items: [[Float]]) throws -> [[Tensor]] {
        let session = Session(graph: network.graph, weights: network.weights(), pool: WorkerPool(threads: 2))
        try session.prepare(inputShape: network.graph.inputShape, batch: items.count)
        for (place, item) in items.enumerated() { session.setInput(place, to: item.span) }
        #expect(session.run())
        return items.indices.map { item in
            network.outputs.map { network.output($0, item: item, of: session) }
        }
    }

    private func graph(_ build: (inout ModelWriter) -> Void) -> ModelWriter {
        var writer = ModelWriter()
        build(&writer)
        return writer
    }

    @Test func `computes both branches of a condition on the data, and chooses`() throws {
        let found = try network {
            $0.input("x", [1, 3])
            $0.initializer("zero", [1], [0])
            $0.node("ReduceMax", ["x"], ["m"], ["keepdims": .int(0)])
            $0.node("Greater", ["m", "zero"], ["c"])
            let yes = graph {
                $0.node("Neg", ["x"], ["a"])
                $0.output("a")
            }
            let no = graph {
                $0.node("Add", ["x", "x"], ["b"])
                $0.output("b")
            }
            $0.node("If", ["c"], ["y"], ["then_branch": .graph(yes), "else_branch": .graph(no)])
            $0.output("y")
        }
        let results = try outputs(found, [[1, -2, 3], [-1, -2, -3]])
        #expect(results.map { $0[0].values } == [[-1, 2, -3], [-2, -4, -6]])
    }

    @Test func `refuses branches that give arrays of other shapes`() {
        let message = failure {
            $0.input("x", [1, 3])
            $0.node("ReduceMax", ["x"], ["m"], ["keepdims": .int(0)])
            let yes = graph { $0.output("x") }
            let no = graph { $0.output("m") }
            $0.node("If", ["m"], ["y"], ["then_branch": .graph(yes), "else_branch": .graph(no)])
            $0.output("y")
        }
        #expect(
            message.contains("If 'y' (its condition depends on the data, and its branches give [1, 3] and")
        )
    }

    /// state = state · 2 + x, and each state as a row.
    private func loop(_ writer: inout ModelWriter, trips: String) {
        writer.input("x", [1, 2])
        let body = graph {
            $0.input("i", [])
            $0.input("going", [])
            $0.input("s", [1, 2])
            $0.node("Add", ["s", "s"], ["d"])
            $0.node("Add", ["d", "x"], ["next"])
            $0.output("going")
            $0.output("next")
            $0.output("next")
        }
        writer.node("Loop", [trips, "", "x"], ["last", "all"], ["body": .graph(body)])
        writer.output("last")
        writer.output("all")
    }

    @Test func `unrolls a loop whose trips are known`() throws {
        let found = try network {
            $0.initializer("n", integers: [3])
            loop(&$0, trips: "n")
        }
        let results = try outputs(found, [[1, 2]])[0]
        #expect(results[0].values == [15, 30])
        #expect(results[1].shape == [3, 1, 2] && results[1].values == [3, 6, 7, 14, 15, 30])
    }

    @Test func `refuses a loop whose trips are many, or depend on the data`() {
        let many = failure {
            $0.initializer("n", integers: [1 << 40])
            loop(&$0, trips: "n")
        }
        #expect(many.contains("more than 4096 times") || many.contains("too many nodes"), "\(many)")
        #expect(failure { loop(&$0, trips: "x") }.contains("how often it runs depends on the data"))
    }

    @Test func `unrolls a scan over the steps of a sequence`() throws {
        let found = try network {
            $0.input("x", [1, 3, 2])
            $0.initializer("zero", [2], [0, 0])
            $0.initializer("axes", integers: [0])
            $0.node("Squeeze", ["x", "axes"], ["steps"])
            let body = graph {
                $0.input("s", [2])
                $0.input("step", [2])
                $0.node("Add", ["s", "step"], ["sum"])
                $0.output("sum")
                $0.output("sum")
            }
            let attributes: [String: ModelWriter.Attribute] = [
                "body": .graph(body), "num_scan_inputs": .int(1), "scan_input_directions": .ints([1]),
            ]
            $0.node("Scan", ["zero", "steps"], ["total", "sums"], attributes)
            $0.output("total")
            $0.output("sums")
        }
        let results = try outputs(found, [[1, 2, 3, 4, 5, 6]])[0]
        #expect(results.map(\.values) == [[9, 12], [5, 6, 8, 10, 9, 12]])
    }

    /// The best boxes of three, whose coordinates are gathered and doubled.
    private func detector(_ writer: inout ModelWriter) {
        writer.input("x", [1, 3, 5])
        for (name, range) in [("boxes", [0, 4]), ("scores", [4, 5])] {
            writer.initializer("\(name).start", integers: [range[0]])
            writer.initializer("\(name).end", integers: [range[1]])
            writer.initializer("\(name).axis", integers: [2])
            writer.node("Slice", ["x", "\(name).start", "\(name).end", "\(name).axis"], ["\(name).cut"])
        }
        writer.node("Transpose", ["scores.cut"], ["scores"], ["perm": .ints([0, 2, 1])])
        writer.initializer("limit", integers: [10])
        writer.initializer("overlap", [1], [0.5])
        writer.initializer("least", [1], [0.1])
        writer.node("NonMaxSuppression", ["boxes.cut", "scores", "limit", "overlap", "least"], ["kept"])
    }

    @Test func `cuts an output to the rows that the data gives`() throws {
        let found = try network {
            detector(&$0)
            $0.initializer("column", integers: [2])
            $0.initializer("first", integers: [0])
            $0.node("Gather", ["kept", "column"], ["places"], ["axis": .int(1)])
            $0.node("Squeeze", ["places", "one"], ["row"])
            $0.initializer("one", integers: [1])
            $0.node("Squeeze", ["boxes.cut", "first"], ["all"])
            $0.node("Gather", ["all", "row"], ["own"])
            $0.node("Add", ["own", "own"], ["y"])
            $0.output("kept")
            $0.output("y")
        }
        #expect(found.outputs.map(\.dimensions) == [[3, 3], [3, 4]])
        #expect(found.outputs.map { $0.varying?.axis } == [0, 0])
        let apart: [Float] = [0, 0, 1, 1, 0.3, 0, 0, 1, 0.9, 0.8, 5, 5, 6, 6, 0.5]
        let nothing = apart.enumerated().map { $0 % 5 == 4 ? 0 : $1 }
        let results = try outputs(found, [apart, nothing])
        #expect(results[0][0].values == [0, 0, 1, 0, 0, 2])
        #expect(results[0][1].shape == [2, 4])
        #expect(results[0][1].values == [0, 0, 2, 1.8, 10, 10, 12, 12])
        #expect(results[1].map(\.shape) == [[0, 3], [0, 4]])
    }

    @Test func `refuses nodes that would read behind the last row`() {
        for op in ["ReduceSum", "Shape", "Softmax"] {
            let message = failure {
                detector(&$0)
                $0.node(op, ["kept"], ["y"], op == "Softmax" ? ["axis": .int(0)] : [:])
                $0.output("y")
            }
            #expect(
                message.contains("\(op) 'y' (it reads an array whose extent depends on the data"),
                "\(message)"
            )
        }
    }

    @Test func `gives the places of what is not zero`() throws {
        let found = try network {
            $0.input("x", [1, 4])
            $0.node("NonZero", ["x"], ["y"])
            $0.output("y")
        }
        let results = try outputs(found, [[0, 3, 0, -1], [0, 0, 0, 0]])
        #expect(results.map { $0[0].shape } == [[2, 2], [2, 0]])
        #expect(results[0][0].values == [0, 0, 1, 3])
    }

    @Test(arguments: ["linear", "nearest", "cubic"]) func `samples an image at its own places`(mode: String)
        throws
    {
        let found = try network {
            $0.input("x", [1, 1, 2, 3])
            $0.initializer("grid", [1, 2, 3, 2], [-1, -1, 0, -1, 1, -1, -1, 1, 0, 1, 1, 1])
            $0.node("GridSample", ["x", "grid"], ["y"], ["align_corners": .int(1), "mode": .text(mode)])
            $0.output("y")
        }
        let image: [Float] = [1, 2, 3, 4, 5, 6]
        #expect(try outputs(found, [image])[0][0].values == image)
    }
}
