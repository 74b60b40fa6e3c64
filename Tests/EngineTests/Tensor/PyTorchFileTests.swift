import Engine
import Foundation
import Testing

/// Checkpoints of PyTorch, of both forms, with what is usual in them and with what must not be.
///
/// The files are written by `Fixtures/pytorch/make_checkpoints.py`.
@Suite struct PyTorchFileTests {
    private static func path(_ name: String) throws -> String {
        let folder = try #require(Bundle.module.resourceURL)
        return folder.appending(path: "Fixtures/pytorch/\(name)").path
    }

    /// The numbers that a state dict of the fixtures has.
    private static func expected(_ dictionary: String) throws -> [String: Tensor] {
        let file = try Safetensors(path: path("expected.safetensors"))
        var tensors: [String: Tensor] = [:]
        for name in file.shapes.keys where name.hasPrefix(dictionary + ".") {
            tensors[String(name.dropFirst(dictionary.count + 1))] = try file.tensor(name)
        }
        return tensors
    }

    @Test(arguments: [
        ("zip.pth", nil, "first"), ("zip64.pth", nil, "first"), ("big-endian.pth", nil, "first"),
        ("legacy.pth", nil, "first"),
        ("nested.pth", nil, "first"), ("nested.pth", "state_dict", "first"),
        ("legacy-nested.pth", nil, "first"),
        ("two.pth", "model", "first"), ("two.pth", "model_ema", "second"),
    ])
    func `reads every tensor of a state dict`(_ name: String, _ key: String?, _ dictionary: String) throws {
        let file = try WeightsFile.open(Self.path(name), checkpoint: key)
        let expected = try Self.expected(dictionary)
        #expect(Set(file.shapes.keys) == Set(expected.keys).union(["bool"]))
        for (name, tensor) in expected {
            let found = try file.tensor(name)
            #expect(found.shape == tensor.shape && found.values == tensor.values, "\(name)")
        }
        let error = #expect(throws: TensorFileError.self) { try file.tensor("bool") }
        #expect(error?.description.contains("'bool' is of type BOOL") == true)
        try file.checkUnchanged()
    }

    // swift-format-ignore
    @Test(arguments: [
        ("evil-system.pth", "it holds 'posix.system', which is no tensor: nothing in a pickle is executed here"),
        ("evil-eval.pth", "it holds '__builtin__.eval', which is no tensor"),
        ("module.pth", "it holds a whole network of the class 'torch.nn.modules.linear.Linear', which needs that class's code: save its state dict instead: torch.save(model.state_dict(), …)"),
        ("two.pth", "it holds several networks, 'model', 'model_ema': say which in model.json: \"checkpoint\": \"model\""),
        ("compressed.pth", "its entry 'compressed/data.pkl' is compressed"),
        ("huge.pth", "tensor 'weight' and the others are 16 times as large as the file"),
        ("outside.pth", "tensor 'weight' is 2×2, which is more than its storage has"),
    ])
    func `refuses by name what is no tensor of the file`(_ name: String, _ sentence: String) throws {
        let error = #expect(throws: TensorFileError.self) { try PyTorchFile(path: Self.path(name)) }
        #expect(error?.description.contains(sentence) == true, "\(String(describing: error))")
        #expect(!FileManager.default.fileExists(atPath: "/tmp/owned"))
    }

    @Test func `says which networks there are when the one that is named is not there`() throws {
        let error = #expect(throws: TensorFileError.self) {
            try PyTorchFile(path: Self.path("two.pth"), checkpoint: "ema")
        }
        #expect(
            error?.description.contains("it has no 'ema' as 'checkpoint' says, but 'model', 'model_ema'")
                == true,
            "\(String(describing: error))"
        )
    }

    @Test func `lists that hold each other are read in no time`() throws {
        #expect(try PyTorchFile(path: Self.path("bomb.pth")).tensor("weight").values == [1])
    }

    /// A pickle of so many bytes before what ends it.
    @Test(
        arguments: [
            ("its pickle has the opcode 105 'i' (INST)", Array("(ios\nsystem\n".utf8)),
            ("its pickle takes more values than it has", [0x52]),
            ("its pickle ends a list that it has not begun", Array("t".utf8)),
            ("its pickle recalls a value that it never had", Array("h".utf8) + [7]),
            ("a length is larger than any file", [0x8D] + [UInt8](repeating: 0xFF, count: 8)),
            ("its pickle has a text of 4294967295 bytes", Array("X".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]),
            ("it ends in the middle of a pickle", Array("}".utf8)),
            ("its pickle is of protocol 0", [0x80, 0]),
            (
                "it holds 'os.system'",
                [0x8C, 2] + Array("os".utf8) + [0x8C, 6] + Array("system".utf8) + [0x93]
            ),
            ("a whole network", Array("c__main__\nNet\n".utf8)),
        ] as [(String, [UInt8])]
    )
    func `refuses pickles that are none, or more than data`(_ sentence: String, _ opcodes: [UInt8]) throws {
        // As the second of a legacy file's pickles, behind the magic number.
        let magic: [UInt8] = [
            0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
        ]
        try withTemporaryFile(magic + opcodes) { path in
            let error = #expect(throws: TensorFileError.self) { try PyTorchFile(path: path) }
            let text = error?.description ?? "none"
            #expect(text.contains(sentence), "\(text)")
        }
    }

    @Test(arguments: ["zip.pth", "legacy.pth", "zip64.pth", "two.pth", "bomb.pth"])
    func `a damaged file is refused, or has tensors of its own size`(_ name: String) throws {
        let bytes = Array(try Data(contentsOf: URL(filePath: Self.path(name))))
        var random = SplitMix64(seed: 7)
        for round in 0..<2000 {
            var damaged = bytes
            for _ in 0...Int(random.next() % 3) {
                damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if round % 4 == 0 { damaged.removeLast(Int(random.next() % UInt64(damaged.count))) }
            let key = name == "two.pth" ? "model" : nil
            try withTemporaryFile(damaged) { path in
                // A refusal is fine.
                guard let file = try? PyTorchFile(path: path, checkpoint: key) else { return }
                for (name, shape) in file.shapes {
                    guard let tensor = try? file.tensor(name) else { continue }
                    #expect(tensor.shape == shape && 4 * shape.elementCount <= 16 * damaged.count)
                }
            }
        }
    }

    @Test(arguments: [0x0280, 0x0380, 0x0480, 0x0580])
    func `a safetensors file whose length begins like a pickle is none`(_ length: Int) throws {
        let json = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        let header = json + String(repeating: " ", count: length - json.utf8.count)
        try withTemporaryFile(safetensorsBytes(header, data: [0, 0, 0x80, 0x3F])) { path in
            let tensor = try WeightsFile.open(path).tensor("w")
            #expect(tensor.values == [1])
        }
    }

    @Test func `the usual names come first, and a single other one is found`() {
        let name = { (names: [String]) in WeightsFile.name(among: names) }
        #expect(name(["model.pth", "model.safetensors", "model.json"]) == "model.safetensors")
        #expect(name(["pytorch_model.bin", "config.json"]) == "pytorch_model.bin")
        #expect(name(["model.json", "resnet18-f37072fd.pth"]) == "resnet18-f37072fd.pth")
        #expect(name(["a.pth", "b.pth"]) == nil)
        #expect(name(["golden.safetensors", "index.safetensors", "epoch7.ckpt"]) == "epoch7.ckpt")
    }
}

/// Weights in several files with an index.
@Suite struct ShardedWeightsTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "shards-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
        for (file, names) in [("one.safetensors", ["a", "b"]), ("two.safetensors", ["c"])] {
            let tensors = names.map {
                (name: $0, tensor: Tensor(shape: [1], values: [Float($0.utf8.first ?? 0)]))
            }
            try Safetensors.write(tensors, to: folder.path + "/" + file)
        }
        try body(folder.path)
    }

    private func open(_ map: String, in folder: String) throws -> any WeightsSource {
        let path = folder + "/model.safetensors.index.json"
        try Data(#"{"metadata": {"total_size": 12}, "weight_map": \#(map)}"#.utf8).write(
            to: URL(filePath: path)
        )
        return try WeightsFile.open(path)
    }

    @Test func `are read as one`() throws {
        try inFolder { folder in
            let map = #"{"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}"#
            let file = try open(map, in: folder)
            #expect(Set(file.shapes.keys) == ["a", "b", "c"])
            for name in ["a", "b", "c"] {
                #expect(try file.tensor(name).values == [Float(name.utf8.first ?? 0)])
            }
            try file.checkUnchanged()
        }
    }

    // swift-format-ignore
    @Test(arguments: [
        (#"{"a": "one.safetensors", "c": "two.safetensors"}"#, "tensor 'b' is there, and the index does not know of it"),
        (#"{"a": "one.safetensors", "b": "one.safetensors", "c": "one.safetensors"}"#, "tensor 'c' is not there, though the index says so"),
        (#"{"a": "three.safetensors"}"#, "three.safetensors: no such file"),
        (#"{"a": "../one.safetensors"}"#, "expected the plain name of a file in the model's folder"),
        (#"{"a": "model.safetensors.index.json"}"#, "expected a file of weights, found an index"),
        ("{}", "expected 1 to 10000 files, found 0"),
        ("[]", "malformed index of weights"),
        ("", "malformed index of weights"),
    ])
    func `are refused when they are not what the index says`(_ map: String, _ sentence: String) throws {
        try inFolder { folder in
            let error = #expect(throws: TensorFileError.self) { try open(map, in: folder) }
            #expect(error?.description.contains(sentence) == true, "\(String(describing: error))")
        }
    }
}

/// Checkpoints that PyTorch itself has written, as `Tests/Checkpoints/run` gets them: with what Python reads in them.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["MARTLET_CHECKPOINTS"] != nil,
        "Tests/Checkpoints/run has them"
    )
)
struct RealCheckpointTests {
    @Test func `have the numbers that Python reads`() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["MARTLET_CHECKPOINTS"])
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".safetensors")
        }
        #expect(!names.isEmpty)
        for name in names {
            let path = folder + "/" + name.dropLast(".safetensors".count)
            let (expected, found) = (try Safetensors(path: folder + "/" + name), try WeightsFile.open(path))
            #expect(found.shapes == expected.shapes, "\(path)")
            for tensor in expected.shapes.keys {
                #expect(
                    try found.tensor(tensor).values == expected.tensor(tensor).values,
                    "\(path): \(tensor)"
                )
            }
        }
    }
}
