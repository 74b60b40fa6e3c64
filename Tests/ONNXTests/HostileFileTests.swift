import ONNX
import Platform
import Testing

/// Files that are wrong, by accident or not, are refused with a sentence.
@Suite struct HostileFileTests {
    private func failure(
        _ writer: ModelWriter,
        folder: String? = nil,
        options: ImportedNetwork.Options = .init()
    ) -> String {
        do {
            _ = try ImportedNetwork(parsing: writer.bytes(), folder: folder, options: options)
            return "imported"
        } catch {
            return error.description
        }
    }

    private func model(_ build: (inout ModelWriter) -> Void) -> ModelWriter {
        var writer = ModelWriter()
        writer.input("x", [1, 3, 8, 8])
        build(&writer)
        writer.output("y")
        return writer
    }

    @Test func `lists every node that cannot be run`() {
        let message = failure(
            model {
                $0.node("DeformConv", ["x", "x"], ["a"])
                $0.node("Relu", ["a"], ["b"])
                $0.node("NoSuchOp", ["b"], ["y"])
            }
        )
        #expect(message.hasPrefix("2 nodes cannot be run: DeformConv 'a'"))
        #expect(message.contains("NoSuchOp 'y'"))
    }

    @Test func `refuses a cycle and a name that nothing gives`() {
        let cycle = model {
            $0.node("Add", ["x", "b"], ["a"])
            $0.node("Relu", ["a"], ["b"])
            $0.node("Relu", ["b"], ["y"])
        }
        #expect(failure(cycle).contains("reads 'b', which nothing before it gives"))
        #expect(failure(model { $0.node("Relu", ["x"], ["z"]) }).contains("no node gives it"))
    }

    @Test func `refuses dimensions that are negative or too large`() {
        let reshape = { (shape: [Int]) in
            model {
                $0.initializer("shape", integers: shape)
                $0.node("Reshape", ["x", "shape"], ["y"])
            }
        }
        for shape in [[-2, 3], [1 << 62, 4], [Int.max, Int.max], [7, 7], [-1, -1]] {
            #expect(failure(reshape(shape)).contains("cannot be run"), "\(shape)")
        }
        let filled = { (shape: [Int]) in
            model {
                $0.initializer("shape", integers: shape)
                $0.node("ConstantOfShape", ["shape"], ["c"])
                $0.node("Add", ["x", "c"], ["y"])
            }
        }
        for shape in [[1 << 40], [1 << 32, 1 << 32], [-1]] {
            #expect(failure(filled(shape)).contains("impossible or too large"), "\(shape)")
        }
        let expanded = model {
            $0.initializer("shape", integers: [1 << 20, 3, 1 << 20, 8])
            $0.node("Expand", ["x", "shape"], ["y"])
        }
        #expect(failure(expanded).contains("cannot be run"))
        var negative = ModelWriter()
        negative.input("x", [1, -3])
        negative.output("x")
        #expect(failure(negative).contains("dimension 1 is -3"))
    }

    @Test func `refuses constants that are not what they say`() {
        let short = model {
            $0.initializer("c", [2, 2], [1, 2, 3])
            $0.node("Add", ["x", "c"], ["y"])
        }
        #expect(failure(short).contains("12 bytes for [2, 2]"))
    }

    @Test(arguments: ["../secret", "/etc/passwd", "a/b", "..", ".", ""])
    func `refuses external data outside the folder`(location: String) {
        let outside = model {
            $0.initializer("c", [1], external: ["location": location])
            $0.node("Add", ["x", "c"], ["y"])
        }
        #expect(failure(outside, folder: "/tmp").contains("is not the plain name of a file beside the model"))
    }

    @Test func `refuses external data beyond the end of its file`() throws {
        for (offset, length) in [("99999999", "4"), ("-4", "4"), ("0", "8"), ("9223372036854775807", "4")] {
            let lying = model {
                $0.initializer(
                    "c",
                    [1],
                    external: ["location": "passwd", "offset": offset, "length": length]
                )
                $0.node("Add", ["x", "c"], ["y"])
            }
            #expect(failure(lying, folder: "/etc").hasPrefix("constant 'c'"), "\(offset) \(length)")
        }
    }

    @Test func `survives loops, boxes and branches cut short, and every changed byte of them`() {
        var body = ModelWriter()
        body.input("i", [])
        body.input("going", [])
        body.input("s", [1, 2])
        body.node("Add", ["s", "s"], ["next"])
        body.output("going")
        body.output("next")
        body.output("next")
        var branch = ModelWriter()
        branch.node("Neg", ["last"], ["v"])
        branch.output("v")
        var writer = ModelWriter()
        writer.input("x", [1, 2])
        writer.initializer("n", integers: [2])
        writer.node("Loop", ["n", "", "x"], ["last", "all"], ["body": .graph(body)])
        writer.node("ReduceMax", ["x"], ["m"], ["keepdims": .int(0)])
        writer.node("If", ["m"], ["y"], ["then_branch": .graph(branch), "else_branch": .graph(branch)])
        writer.initializer("boxes", [1, 2, 4], [0, 0, 1, 1, 0, 0, 1, 0.9])
        writer.initializer("shape", integers: [1, 1, 2])
        writer.node("Reshape", ["y", "shape"], ["scores"])
        writer.node("NonMaxSuppression", ["boxes", "scores", "n"], ["kept"])
        writer.node("NonZero", ["all"], ["places"])
        for output in ["y", "kept", "places"] { writer.output(output) }
        survive(writer.bytes())
    }

    @Test func `survives every file cut short and every changed byte`() {
        let whole = model {
            $0.initializer("w", [2, 3, 3, 3], [Float](repeating: 0.5, count: 54))
            $0.node("Conv", ["x", "w"], ["a"], ["pads": .ints([1, 1, 1, 1])])
            $0.node("MaxPool", ["a"], ["b"], ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])])
            $0.initializer("shape", integers: [1, -1])
            $0.node("Reshape", ["b", "shape"], ["y"])
        }.bytes()
        survive(whole)
    }

    private func survive(_ whole: [UInt8]) {
        #expect(throws: Never.self) { try ImportedNetwork(parsing: whole, folder: nil) }
        let options = ImportedNetwork.Options(mostNumbers: 1 << 20)
        for count in whole.indices {
            _ = try? ImportedNetwork(parsing: Array(whole[..<count]), folder: nil, options: options)
        }
        for place in whole.indices {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var bytes = whole
                bytes[place] ^= change
                _ = try? ImportedNetwork(parsing: bytes, folder: nil, options: options)
            }
        }
    }
}
