import Engine
import Glibc
import Platform
import Testing

@Suite struct SafetensorsTests {
    @Test func `reads back what it wrote`() throws {
        let tensors: [(name: String, tensor: Tensor)] = [
            ("conv1.weight", SyntheticWeights.tensor("conv1.weight", [4, 3, 5, 5], seed: 1)),
            ("a \"quoted\"\\\n\u{1} größe", Tensor(shape: [3], values: [1, -0.0, .infinity])),
            ("empty", Tensor(shape: [0, 4], values: [])),
            ("scalar", Tensor(shape: [], values: [7])),
        ]
        try withTemporaryFile { path in
            try Safetensors.write(tensors, to: path)
            let file = try Safetensors(path: path)
            #expect(
                file.shapes == Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor.shape) })
            )
            for (name, tensor) in tensors {
                let found = try file.tensor(name)
                #expect(found.shape == tensor.shape)
                #expect(found.values.map(\.bitPattern) == tensor.values.map(\.bitPattern), "\(name)")
            }
        }
    }

    @Test func `keeps what it read when the file is gone`() throws {
        let tensor = try withTemporaryFile { path in
            try Safetensors.write([("w", Tensor(shape: [2], values: [3, 4]))], to: path)
            return try Safetensors(path: path).tensor("w")
        }
        #expect(tensor.values == [3, 4])
    }

    @Test(arguments: 0..<4)
    func `reads floats at any address`(_ padding: Int) throws {
        let header =
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
            + String(repeating: " ", count: padding)
        let data: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
        try withTemporaryFile(safetensorsBytes(header, data: data)) { path in
            let values = try Safetensors(path: path).tensor("w").values
            #expect(values == [1, -2])
        }
    }

    @Test func `takes metadata, escapes and white space`() throws {
        let header = #"""
            {"__metadata__" : {"format":"pt", "note":"\u00e9\ud83d\ude00\/\b\f\n\r\t"} ,
             "\u0077.\"x\"" : {"shape":[ 1 , 1 ] , "data_offsets":[0,4], "dtype":"F32"} }
            """#
        try withTemporaryFile(safetensorsBytes(header, data: [0, 0, 0, 0])) { path in
            let shapes = try Safetensors(path: path).shapes
            #expect(shapes == ["w.\"x\"": [1, 1]])
        }
    }

    @Test func `converts every half-precision number exactly`() throws {
        let values = try allNumbers(dtype: "F16")
        for (bits, value) in values.enumerated() {
            let sign: Double = bits & 0x8000 == 0 ? 1 : -1
            let exponent = bits >> 10 & 0x1F
            let fraction = Double(bits & 0x3FF)
            switch exponent {
            case 31 where fraction == 0: #expect(value == (sign > 0 ? .infinity : -.infinity))
            case 31: #expect(value.isNaN)
            default:
                let significand = exponent == 0 ? fraction * 2 : 1024 + fraction
                let expected =
                    sign * significand * Double(sign: .plus, exponent: exponent - 25, significand: 1)
                #expect(
                    Double(value) == expected && value.sign == (sign < 0 ? .minus : .plus),
                    "bits \(bits)"
                )
            }
        }
    }

    @Test func `converts every bfloat16 number exactly`() throws {
        for (bits, value) in try allNumbers(dtype: "BF16").enumerated() {
            let exponent = bits >> 7 & 0xFF
            let fraction = Double(bits & 0x7F)
            guard exponent < 255 else {
                #expect(fraction == 0 ? value.isInfinite : value.isNaN)
                continue
            }
            let significand = exponent == 0 ? fraction * 2 : 128 + fraction
            let size = significand * Double(sign: .plus, exponent: exponent - 134, significand: 1)
            #expect(
                Double(value.magnitude) == size && value.sign == (bits < 0x8000 ? .plus : .minus),
                "bits \(bits)"
            )
        }
    }

    @Test func `lists tensors of other types and refuses to read them`() throws {
        let header = #"{"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}"#
        try withTemporaryFile(safetensorsBytes(header, data: [UInt8](repeating: 0, count: 8))) { path in
            let file = try Safetensors(path: path)
            #expect(file.shapes == ["n": []])
            let fault = TensorFileError.Problem.tensor("n", "is of type I64, but F32, F16 or BF16 is needed")
            #expect(throws: TensorFileError(path: path, problem: fault)) { try file.tensor("n") }
            let missing = TensorFileError.Problem.tensor("m", "is not in the file")
            #expect(throws: TensorFileError(path: path, problem: missing)) { try file.tensor("m") }
        }
    }

    @Test func `says that a file is not there`() {
        let path = "/nonexistent/model.safetensors"
        let problem = TensorFileError.Problem.unreadable(SystemError("open \(path)", code: 2))
        #expect(throws: TensorFileError(path: path, problem: problem)) { try Safetensors(path: path) }
    }

    @Test(arguments: [("/", "a directory"), ("/dev/zero", "a character device"), ("pipe", "a named pipe")])
    func `says what is there instead of a file`(_ path: String, _ found: String) throws {
        try withTemporaryFile { name in
            let path = path == "pipe" ? name + ".pipe" : path
            if path != "/", path != "/dev/zero" { #expect(unsafe mkfifo(path, 0o600) == 0) }
            defer { unsafe unlink(name + ".pipe") }
            let error = #expect(throws: TensorFileError.self) { try Safetensors(path: path) }
            #expect(error?.description == "expected a file of weights, found \(found) (\(path))")
        }
    }

    /// A file of all 65,536 numbers of a 16-bit type, in order, read.
    private func allNumbers(dtype: String) throws -> [Float] {
        let header = #"{"all":{"dtype":"\#(dtype)","shape":[65536],"data_offsets":[0,131072]}}"#
        let data = (0..<65536).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        return try withTemporaryFile(safetensorsBytes(header, data: data)) {
            try Safetensors(path: $0).tensor("all").values
        }
    }
}
