import Engine
import ONNX
import Testing

/// What exporters write out becomes the engine's own operations, with the numbers that the file asks for.
@Suite struct PatternTests {
    /// A small graph and what it must become.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let shape: [Int]
        /// The operations that run.
        let operations: [String]
        /// Writes the nodes from `x` to `y`.
        let write: @Sendable (inout ModelWriter) -> Void
        /// What every number must become, of itself alone.
        var function: (@Sendable (Double) -> Double)?

        init(
            _ name: String,
            _ shape: [Int],
            _ operations: [String],
            _ function: (@Sendable (Double) -> Double)? = nil,
            _ write: @escaping @Sendable (inout ModelWriter) -> Void
        ) {
            testDescription = name
            self.shape = shape
            self.operations = operations
            self.function = function
            self.write = write
        }
    }

    static func imported(_ row: Case) throws -> ImportedNetwork {
        var writer = ModelWriter()
        writer.input("x", row.shape)
        row.write(&writer)
        writer.output("y")
        return try ImportedNetwork(parsing: writer.bytes(), folder: nil)
    }

    static func run(_ network: ImportedNetwork, _ item: [Float]) throws -> [Float] {
        let graph = network.graph
        let session = Session(graph: graph, weights: network.weights(), pool: WorkerPool(threads: 2))
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        session.setInput(0, to: item.span)
        #expect(session.run())
        return session.withOutput("y", item: 0) { span in span.indices.map { span[$0] } }
    }

    static func item(_ shape: [Int]) -> [Float] {
        SyntheticWeights.tensor("input", Shape(shape), seed: 3, gain: 3).values
    }

    static let activations: [Case] = {
        let image = [1, 5, 4, 3]
        let silu: @Sendable (Double) -> Double = { $0 / (1 + exponential(-$0)) }
        let hardSigmoid: @Sendable (Double) -> Double = { min(max($0 + 3, 0), 6) / 6 }
        let hardSwish: @Sendable (Double) -> Double = { $0 * min(max($0 + 3, 0), 6) / 6 }
        let geluByTanh: @Sendable (Double) -> Double = { x in
            x / (1 + exponential(-1.595_769_121_605_730_7 * (x + 0.044715 * x * x * x)))
        }
        let mish: @Sendable (Double) -> Double = { x in
            let sum = (1 + exponential(x)) * (1 + exponential(x))
            return x * (sum - 1) / (sum + 1)
        }
        return [
            Case("x · sigmoid(x)", image, ["silu"], silu) {
                $0.node("Sigmoid", ["x"], ["a"])
                $0.node("Mul", ["a", "x"], ["y"])
            },
            Case("x · clip(x + 3) / 6", image, ["hard swish"], hardSwish) {
                $0.constants(["3": 3, "0": 0, "6": 6])
                $0.node("Add", ["x", "3"], ["a"])
                $0.node("Clip", ["a", "0", "6"], ["b"])
                $0.node("Mul", ["x", "b"], ["c"])
                $0.node("Div", ["c", "6"], ["y"])
            },
            Case("x · (clip(x + 3) / 6)", image, ["hard swish"], hardSwish) {
                $0.constants(["3": 3, "0": 0, "6": 6])
                $0.node("Add", ["3", "x"], ["a"])
                $0.node("Clip", ["a", "0", "6"], ["b"])
                $0.node("Div", ["b", "6"], ["c"])
                $0.node("Mul", ["c", "x"], ["y"])
            },
            Case("x · hardsigmoid(x)", image, ["hard swish"], hardSwish) {
                $0.node("HardSigmoid", ["x"], ["a"], ["alpha": .float(1 / 6)])
                $0.node("Mul", ["x", "a"], ["y"])
            },
            Case("clip(x + 3) · 1/6", image, ["hard sigmoid"], hardSigmoid) {
                $0.constants(["3": 3, "0": 0, "6": 6, "s": 1 / 6])
                $0.node("Add", ["x", "3"], ["a"])
                $0.node("Clip", ["a", "0", "6"], ["b"])
                $0.node("Mul", ["b", "s"], ["y"])
            },
            Case("min(max(x / 6 + 1/2, 0), 1)", image, ["hard sigmoid"], hardSigmoid) {
                $0.constants(["6": 6, "h": 0.5, "0": 0, "1": 1])
                $0.node("Div", ["x", "6"], ["a"])
                $0.node("Add", ["a", "h"], ["b"])
                $0.node("Clip", ["b", "0", "1"], ["y"])
            },
            Case("min(max(x, 0), 6)", image, ["ReLU6"], { min(max($0, 0), 6) }) {
                $0.constants(["0": 0, "6": 6])
                $0.node("Max", ["x", "0"], ["a"])
                $0.node("Min", ["a", "6"], ["y"])
            },
            Case("x · 1/2 · (1 + erf(x / √2))", image, ["gelu"]) {
                $0.constants(["r": 1.414_213_6, "1": 1, "h": 0.5])
                $0.node("Div", ["x", "r"], ["a"])
                $0.node("Erf", ["a"], ["b"])
                $0.node("Add", ["b", "1"], ["c"])
                $0.node("Mul", ["x", "h"], ["d"])
                $0.node("Mul", ["d", "c"], ["y"])
            },
            Case("x · 1/2 · (1 + tanh(√(2/π)(x + 0.044715x³)))", image, ["gelu by tanh"], geluByTanh) {
                $0.constants(["3": 3, "c": 0.044715, "r": 0.797_884_56, "1": 1, "h": 0.5])
                $0.node("Pow", ["x", "3"], ["a"])
                $0.node("Mul", ["c", "a"], ["b"])
                $0.node("Add", ["x", "b"], ["d"])
                $0.node("Mul", ["d", "r"], ["e"])
                $0.node("Tanh", ["e"], ["f"])
                $0.node("Add", ["f", "1"], ["g"])
                $0.node("Mul", ["x", "h"], ["i"])
                $0.node("Mul", ["i", "g"], ["y"])
            },
            Case("1/2 · (1 + tanh(√(2/π)x(1 + 0.044715x·x))) · x", image, ["gelu by tanh"], geluByTanh) {
                $0.constants(["c": 0.044715, "r": 0.797_884_56, "1": 1, "h": 0.5])
                $0.node("Mul", ["x", "x"], ["a"])
                $0.node("Mul", ["a", "c"], ["b"])
                $0.node("Add", ["1", "b"], ["d"])
                $0.node("Mul", ["r", "x"], ["e"])
                $0.node("Mul", ["e", "d"], ["f"])
                $0.node("Tanh", ["f"], ["g"])
                $0.node("Add", ["1", "g"], ["i"])
                $0.node("Mul", ["h", "i"], ["j"])
                $0.node("Mul", ["j", "x"], ["y"])
            },
            Case("x · tanh(softplus(x))", image, ["mish"], mish) {
                $0.node("Softplus", ["x"], ["a"])
                $0.node("Tanh", ["a"], ["b"])
                $0.node("Mul", ["x", "b"], ["y"])
            },
            Case("tanh(ln(eˣ + 1)) · x", image, ["mish"], mish) {
                $0.constants(["1": 1])
                $0.node("Exp", ["x"], ["a"])
                $0.node("Add", ["a", "1"], ["b"])
                $0.node("Log", ["b"], ["c"])
                $0.node("Tanh", ["c"], ["d"])
                $0.node("Mul", ["d", "x"], ["y"])
            },
            Case("x · (1 + erf(x · √½)) · 1/2", image, ["gelu"]) {
                $0.constants(["r": 0.707_106_77, "1": 1, "h": 0.5])
                $0.node("Mul", ["x", "r"], ["a"])
                $0.node("Erf", ["a"], ["b"])
                $0.node("Add", ["1", "b"], ["c"])
                $0.node("Mul", ["x", "c"], ["d"])
                $0.node("Mul", ["d", "h"], ["y"])
            },
        ]
    }()

    static func exponential(_ x: Double) -> Double {
        // Halves until the series is short.
        guard abs(x) > 0.5 else {
            return (1...20).reversed().reduce(1) { 1 + x * $0 / Double($1) }
        }
        let root = exponential(x / 2)
        return root * root
    }

    @Test(arguments: activations) func `recognises an activation`(_ row: Case) throws {
        let network = try Self.imported(row)
        #expect(network.graph.nodes.map(\.op.structure) == row.operations)
        guard let function = row.function else { return }
        let item = Self.item(row.shape)
        for (x, y) in zip(item, try Self.run(network, item)) {
            #expect(abs(Double(y) - function(Double(x))) < 1e-5, "of \(x)")
        }
    }

    /// Near misses: products that are no activation.
    static let others: [Case] = [
        Case("x · sigmoid(another)", [1, 5, 4, 3], ["ReLU", "sigmoid", "multiply"]) {
            $0.node("Relu", ["x"], ["r"])
            $0.node("Sigmoid", ["r"], ["a"])
            $0.node("Mul", ["a", "x"], ["y"])
        },
        Case("x · clip(x + 3) / 5", [1, 5, 4, 3], ["rescale", "ReLU6", "multiply", "× 0.2"]) {
            $0.constants(["3": 3, "0": 0, "6": 6, "5": 5])
            $0.node("Add", ["x", "3"], ["a"])
            $0.node("Clip", ["a", "0", "6"], ["b"])
            $0.node("Mul", ["x", "b"], ["c"])
            $0.node("Div", ["c", "5"], ["y"])
        },
        Case("hardsigmoid of another slope", [1, 5, 4, 3], ["hardSigmoid", "multiply"]) {
            $0.node("HardSigmoid", ["x"], ["a"])
            $0.node("Mul", ["x", "a"], ["y"])
        },
    ]

    @Test(arguments: others) func `leaves what is like an activation`(_ row: Case) throws {
        #expect(try Self.imported(row).graph.nodes.map(\.op.structure) == row.operations)
    }

    static let layers: [Case] = [
        Case("squeeze and excite", [1, 16, 4, 3], ["global average pool", "sigmoid", "gate"]) {
            $0.node("GlobalAveragePool", ["x"], ["a"])
            $0.node("Sigmoid", ["a"], ["b"])
            $0.node("Mul", ["x", "b"], ["y"])
        },
        Case("a gate that was repeated", [1, 16, 4, 3], ["global average pool", "sigmoid", "gate"]) {
            $0.initializer("shape", integers: [1, 16, 4, 3])
            $0.node("ReduceMean", ["x"], ["a"], ["axes": .ints([-1, -2])])
            $0.node("Sigmoid", ["a"], ["b"])
            $0.node("Expand", ["b", "shape"], ["c"])
            $0.node("Mul", ["x", "c"], ["y"])
        },
        Case("channel shuffle", [1, 6, 4, 3], ["select 6 channels"]) {
            $0.initializer("a", integers: [0, 2, 3, 4, 3])
            $0.initializer("b", integers: [0, -1, 4, 3])
            $0.node("Reshape", ["x", "a"], ["c"])
            $0.node("Transpose", ["c"], ["d"], ["perm": .ints([0, 2, 1, 3, 4])])
            $0.node("Reshape", ["d", "b"], ["y"])
        },
        Case(
            "a norm and a product over the channels, these last",
            [1, 6, 4, 3],
            ["layer norm", "4 filters 1×1", "gelu"]
        ) {
            $0.initializer("s", [6], [1, 2, 3, 4, 5, 6])
            $0.initializer("t", [6], [6, 5, 4, 3, 2, 1])
            $0.initializer("w", [6, 4], (0..<24).map { Float($0 % 7) - 3 })
            $0.initializer("b", [4], [1, 2, 3, 4])
            $0.node("Transpose", ["x"], ["a"], ["perm": .ints([0, 2, 3, 1])])
            $0.node("LayerNormalization", ["a", "s", "t"], ["c"])
            $0.node("MatMul", ["c", "w"], ["d"])
            $0.node("Add", ["b", "d"], ["e"])
            $0.node("Gelu", ["e"], ["f"])
            $0.node("Transpose", ["f"], ["y"], ["perm": .ints([0, 3, 1, 2])])
        },
        Case("a padded window", [1, 3, 5, 6], ["2 filters 3×3, stride 2, pad 0, 1, 1, 0"]) {
            $0.initializer("p", integers: [0, 0, 0, 1, 0, 0, 1, 0])
            $0.initializer("w", [2, 3, 3, 3], (0..<54).map { Float($0) })
            $0.node("Pad", ["x", "p"], ["a"])
            $0.node("Conv", ["a", "w"], ["y"], ["strides": .ints([2, 2])])
        },
        Case("channels between blocks", [1, 40, 2, 2], ["split 16 + 24"]) {
            $0.initializer("s", integers: [16])
            $0.initializer("e", integers: [100])
            $0.initializer("a", integers: [1])
            $0.node("Slice", ["x", "s", "e", "a"], ["y"])
        },
        Case(
            "a norm and a function behind a transposed convolution",
            [1, 3, 4, 5],
            [
                "64 filters 1×1", "batch norm", "ReLU", "depth to space 2×2",
            ]
        ) {
            $0.initializer("w", [3, 5, 2, 2], (0..<60).map { Float($0 % 7) - 3 })
            for (name, number) in ["s": 2, "t": 1, "m": 3, "v": 4] {
                $0.initializer(name, [5], [Float](repeating: Float(number), count: 5))
            }
            $0.node("ConvTranspose", ["x", "w"], ["a"], ["strides": .ints([2, 2])])
            $0.node("BatchNormalization", ["a", "s", "t", "m", "v"], ["b"])
            $0.node("Relu", ["b"], ["y"])
        },
        Case("a bias behind a product", [1, 4], ["4 → 3"]) {
            $0.initializer("w", [4, 3], (0..<12).map { Float($0) })
            $0.initializer("b", [3], [1, 2, 3])
            $0.node("MatMul", ["x", "w"], ["a"])
            $0.node("Add", ["a", "b"], ["y"])
        },
    ]

    @Test(arguments: [(Float(0.05), Float(0.5), "x"), (0.044715, 0.4, "x"), (0.044715, 0.5, "z")])
    func `a cubic with other numbers, or times another value, is no GELU`(
        cubic: Float,
        half: Float,
        factor: String
    ) throws {
        let network = try Self.imported(
            .init("", [1, 5, 4, 3], []) {
                $0.constants(["3": 3, "c": cubic, "r": 0.797_884_56, "1": 1, "h": half])
                $0.node("Sin", ["x"], ["z"])
                $0.node("Pow", ["x", "3"], ["a"])
                $0.node("Mul", ["c", "a"], ["b"])
                $0.node("Add", ["x", "b"], ["d"])
                $0.node("Mul", ["d", "r"], ["e"])
                $0.node("Tanh", ["e"], ["f"])
                $0.node("Add", ["f", "1"], ["g"])
                $0.node("Mul", [factor, "h"], ["i"])
                $0.node("Mul", ["i", "g"], ["y"])
            }
        )
        #expect(!network.graph.nodes.contains { $0.op.structure == "gelu by tanh" })
    }

    @Test(arguments: layers) func `recognises a layer`(_ row: Case) throws {
        let network = try Self.imported(row)
        let operations = network.graph.nodes.filter { $0.op.tableRole != .view }.map(\.op.structure)
        #expect(operations == row.operations)
        #expect(network.nodes.flatMap(\.operations) == operations, "the report names what is left")
    }

    @Test func `a norm of training is computed where what it norms is constant`() throws {
        let network = try Self.imported(
            .init("", [1, 1, 1, 4], []) {
                $0.initializer("c", [1, 1, 1, 4], [1, 2, 3, 4])
                $0.constants(["s": 2, "t": 1, "m": 0, "v": 1])
                for name in ["s", "t", "m", "v"] { $0.initializer("\(name)1", integers: [1]) }
                for name in ["s", "t", "m", "v"] { $0.node("Reshape", [name, "\(name)1"], ["\(name)2"]) }
                let attributes: [String: ModelWriter.Attribute] = [
                    "training_mode": .int(1), "epsilon": .float(0),
                ]
                $0.node(
                    "BatchNormalization",
                    ["c", "s2", "t2", "m2", "v2"],
                    ["n", "mean", "variance"],
                    attributes
                )
                $0.node("Mul", ["n", "mean"], ["p"])
                $0.node("Add", ["x", "p"], ["y"])
            }
        )
        // The mean of 1 … 4 is 2.5, their variance 1.25; a tenth of the mean is what momentum leaves to it.
        let deviation = Float(1.25).squareRoot()
        let expected: [Float] = [-1.5, -0.5, 0.5, 1.5].map { ($0 / deviation * 2 + 1) * 0.25 }
        for (found, wanted) in zip(try Self.run(network, [0, 0, 0, 0]), expected) {
            #expect(abs(found - wanted) < 1e-6)
        }
    }

    @Test func `a norm written out has the bits of the node`() throws {
        let shape = [1, 6, 4, 3]
        let node = Case("node", shape, []) {
            $0.initializer("s", [6], [1, 2, 3, 4, 5, 6])
            $0.initializer("t", [6], [6, 5, 4, 3, 2, 1])
            $0.node("Transpose", ["x"], ["a"], ["perm": .ints([0, 2, 3, 1])])
            $0.node("LayerNormalization", ["a", "s", "t"], ["b"], ["epsilon": .float(1e-6)])
            $0.node("Transpose", ["b"], ["y"], ["perm": .ints([0, 3, 1, 2])])
        }
        let written = Case("written out", shape, []) {
            $0.constants(["2": 2, "e": 1e-6])
            $0.initializer("s", [6], [1, 2, 3, 4, 5, 6])
            $0.initializer("t", [6], [6, 5, 4, 3, 2, 1])
            $0.node("Transpose", ["x"], ["a"], ["perm": .ints([0, 2, 3, 1])])
            $0.node("ReduceMean", ["a"], ["m"], ["axes": .ints([3])])
            $0.node("Sub", ["a", "m"], ["d"])
            $0.node("Pow", ["d", "2"], ["q"])
            $0.node("ReduceMean", ["q"], ["v"], ["axes": .ints([-1])])
            $0.node("Add", ["v", "e"], ["w"])
            $0.node("Sqrt", ["w"], ["r"])
            $0.node("Div", ["d", "r"], ["n"])
            $0.node("Mul", ["n", "s"], ["o"])
            $0.node("Add", ["o", "t"], ["p"])
            $0.node("Transpose", ["p"], ["y"], ["perm": .ints([0, 3, 1, 2])])
        }
        let item = Self.item(shape)
        let networks = try [node, written].map(Self.imported)
        #expect(networks.map { $0.graph.nodes.map(\.op.structure) } == [["layer norm"], ["layer norm"]])
        #expect(try Self.run(networks[0], item) == Self.run(networks[1], item))
    }
}

/// Forms of the engine beside those for arrays of any rank, on the same numbers.
@Suite struct EngineFormTests {
    /// The height, width and step of windows, and what is taken off on each side.
    static let transposed = [
        (kernel: [2, 2], stride: [2, 2], pads: [0, 0, 0, 0], extra: [0, 0]),
        (kernel: [4, 4], stride: [2, 2], pads: [1, 1, 1, 1], extra: [0, 0]),
        (kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1], extra: [1, 1]),
        (kernel: [3, 2], stride: [1, 3], pads: [0, 1, 1, 0], extra: [0, 0]),
        (kernel: [2, 5], stride: [3, 2], pads: [0, 2, 0, 1], extra: [0, 1]),
        (kernel: [3, 3], stride: [1, 1], pads: [1, 1, 1, 1], extra: [0, 0]),
    ]

    @Test(arguments: transposed.indices) func `a transposed convolution is a convolution`(_ index: Int) throws
    {
        let row = Self.transposed[index]
        let filters = SyntheticWeights.tensor("filters", Shape([3, 5] + row.kernel), seed: 1, gain: 1).values
        /// Twice the batch keeps the engine's form away.
        func answer(batch: Int) throws -> [Float] {
            let shape = [batch, 3, 4, 5]
            let network = try PatternTests.imported(
                .init("", shape, []) {
                    $0.initializer("w", [3, 5] + row.kernel, filters)
                    $0.initializer("b", [5], [1, 2, 3, 4, 5])
                    $0.node(
                        "ConvTranspose",
                        ["x", "w", "b"],
                        ["y"],
                        [
                            "strides": .ints(row.stride), "pads": .ints(row.pads),
                            "output_padding": .ints(row.extra),
                        ]
                    )
                }
            )
            let isOwn = network.graph.nodes.contains { $0.op is Conv }
            #expect(isOwn == (batch == 1))
            let item = PatternTests.item([1, 3, 4, 5])
            return try PatternTests.run(network, Array(repeatElement(item, count: batch).joined()))
        }
        try expectNear(answer(batch: 1), Array(answer(batch: 2).prefix(answer(batch: 1).count)))
    }

    static let resizes: [(mode: String, coordinates: String)] = [
        ("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"),
        ("linear", "align_corners"),
        ("cubic", "half_pixel"),
    ]

    @Test(arguments: resizes.indices) func `an image is resized as any array`(_ index: Int) throws {
        let (mode, coordinates) = Self.resizes[index]
        func answer(_ between: [Int]) throws -> [Float] {
            let shape = [1, 5] + between + [4, 3]
            let network = try PatternTests.imported(
                .init("", shape, []) {
                    $0.initializer("scales", [shape.count], shape.dropLast(2).map { _ in 1 } + [2, 3])
                    $0.node(
                        "Resize",
                        ["x", "", "scales"],
                        ["y"],
                        ["mode": .text(mode), "coordinate_transformation_mode": .text(coordinates)]
                    )
                }
            )
            #expect(network.graph.nodes.contains { $0.op is ResizeImage } == between.isEmpty)
            return try PatternTests.run(network, PatternTests.item([1, 5, 4, 3]))
        }
        try expectNear(answer([]), answer([1]))
    }

    @Test func `a convolution over the pixels of cells is one over the image`() throws {
        let row = PatternTests.Case("focus", [1, 3, 8, 10], ["7 filters 6×6, stride 2, pad 2"]) {
            let filters = SyntheticWeights.tensor("filters", [7, 12, 3, 3], seed: 1, gain: 1).values
            $0.initializer("w", [7, 12, 3, 3], filters)
            for (name, start) in [("a", [0, 0]), ("b", [1, 0]), ("c", [0, 1]), ("d", [1, 1])] {
                for (axis, side) in ["h", "w"].enumerated() {
                    $0.initializer("\(name)\(side)s", integers: [start[axis]])
                    $0.initializer("\(name)\(side)e", integers: [Int.max])
                    $0.initializer("\(name)\(side)a", integers: [axis + 2])
                    $0.initializer("\(name)\(side)t", integers: [2])
                }
                $0.node("Slice", ["x"] + ["s", "e", "a", "t"].map { "\(name)h\($0)" }, ["\(name)rows"])
                $0.node("Slice", ["\(name)rows"] + ["s", "e", "a", "t"].map { "\(name)w\($0)" }, [name])
            }
            $0.node("Concat", ["a", "b", "c", "d"], ["cells"], ["axis": .int(1)])
            $0.node("Conv", ["cells", "w"], ["y"], ["pads": .ints([1, 1, 1, 1])])
        }
        let network = try PatternTests.imported(row)
        #expect(network.graph.nodes.map(\.op.structure) == row.operations)
        // The same with the cells as an input of their own.
        let item = PatternTests.item(row.shape)
        var cells: [Float] = []
        for (i, j) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            for c in 0..<3 {
                for y in 0..<4 {
                    for x in 0..<5 { cells.append(item[(c * 8 + 2 * y + i) * 10 + 2 * x + j]) }
                }
            }
        }
        let plain = try PatternTests.imported(
            .init("cells", [1, 12, 4, 5], []) {
                let filters = SyntheticWeights.tensor("filters", [7, 12, 3, 3], seed: 1, gain: 1).values
                $0.initializer("w", [7, 12, 3, 3], filters)
                $0.node("Conv", ["x", "w"], ["y"], ["pads": .ints([1, 1, 1, 1])])
            }
        )
        try expectNear(PatternTests.run(network, item), PatternTests.run(plain, cells))
    }

    @Test func `a mean under other dimensions is not the one of a norm`() throws {
        let row = PatternTests.Case("a norm but for a reshaped mean", [1, 4, 4, 3], []) {
            $0.node("ReduceMean", ["x"], ["m"], ["axes": .ints([1])])
            $0.initializer("turned", integers: [1, 4, 1, 3])
            $0.node("Reshape", ["m", "turned"], ["r"])
            $0.node("Sub", ["x", "r"], ["d"])
            $0.node("Mul", ["d", "d"], ["s"])
            $0.node("ReduceMean", ["s"], ["v"], ["axes": .ints([1])])
            $0.constants(["e": 0.5])
            $0.node("Add", ["v", "e"], ["w"])
            $0.node("Sqrt", ["w"], ["q"])
            $0.node("Div", ["d", "q"], ["y"])
        }
        let x = PatternTests.item(row.shape)
        func at(_ c: Int, _ i: Int, _ j: Int) -> Float { x[(c * 4 + i) * 3 + j] }
        func mean(_ value: (Int) -> Float) -> Float { (0..<4).reduce(0) { $0 + value($1) } / 4 }
        var expected: [Float] = []
        for c in 0..<4 {
            for i in 0..<4 {
                for j in 0..<3 {
                    // Row c of the means lies beside channel c.
                    func off(_ c: Int) -> Float { at(c, i, j) - mean { at($0, c, j) } }
                    let variance = mean { off($0) * off($0) }
                    expected.append(off(c) / (variance + 0.5).squareRoot())
                }
            }
        }
        expectNear(try PatternTests.run(PatternTests.imported(row), x), expected)
    }

    private func expectNear(_ found: [Float], _ expected: [Float]) {
        #expect(found.count == expected.count)
        let largest = expected.map(abs).max() ?? 0
        for (index, pair) in zip(found, expected).enumerated() where !(abs(pair.0 - pair.1) <= 2e-6 * largest)
        {
            Issue.record("element \(index) is \(pair.0), expected \(pair.1)")
            return
        }
    }
}

extension ModelWriter {
    /// Single numbers under names.
    mutating func constants(_ numbers: [String: Float]) {
        for (name, number) in numbers.sorted(by: { $0.key < $1.key }) { initializer(name, [], [number]) }
    }
}
