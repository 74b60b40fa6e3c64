package import Engine

/// The types of numbers that ONNX has, of which those with a case are read.
///
/// A network runs on 32-bit floats: half, brain and double floats are rounded to them, whole numbers and truth values are
/// carried as floats, exactly up to 2²⁴; constants and the arithmetic of shapes are 64-bit integers.
package enum DataType: Int, Sendable {
    case float = 1
    case uint8, int8, uint16, int16, int32, int64
    case bool = 9
    case half, double, uint32, uint64
    case bfloat = 16
    case float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, uint4, int4, float4e2m1, float8e8m0, uint2
    case int2

    /// Whether its numbers are kept as 64-bit integers; truth values are 0 and 1.
    package var isInteger: Bool {
        switch self {
        case .float, .half, .double, .bfloat: false
        default: small == nil
        }
    }

    /// Which of the kinds of `kernel_function_to_small` it is; nil where it is none.
    var small: Int? {
        switch self {
        case .float8e4m3fn: 0
        case .float8e4m3fnuz: 1
        case .float8e5m2: 2
        case .float8e5m2fnuz: 3
        case .float4e2m1: 4
        case .float8e8m0: 5
        default: nil
        }
    }

    /// How many bits a number has that shares a byte with others; nil where it does not.
    var packedBits: Int? {
        switch self {
        case .uint4, .int4, .float4e2m1: 4
        case .uint2, .int2: 2
        default: nil
        }
    }

    /// The bytes of so many numbers.
    func bytes(_ count: Int) -> Int {
        packedBits.map { (count * $0 + 7) / 8 } ?? count * storage.size
    }

    /// The number that bits of a float of eight bits and fewer stand for.
    func small(_ bits: UInt8) -> Float {
        func number(exponentBits: Int, fractionBits: Int, bias: Int) -> Float {
            let fraction = Int(bits) & ((1 << fractionBits) - 1)
            let exponent = (Int(bits) >> fractionBits) & ((1 << exponentBits) - 1)
            let sign: Float = Int(bits) >> (fractionBits + exponentBits) & 1 == 1 ? -1 : 1
            let whole = exponent == 0 ? fraction : fraction + (1 << fractionBits)
            let power = max(exponent, 1) - bias - fractionBits
            return sign * Float(sign: .plus, exponent: power, significand: Float(whole))
        }
        switch self {
        case .float8e4m3fn:
            return bits & 0x7F == 0x7F ? .nan : number(exponentBits: 4, fractionBits: 3, bias: 7)
        case .float8e4m3fnuz: return bits == 0x80 ? .nan : number(exponentBits: 4, fractionBits: 3, bias: 8)
        case .float8e5m2:
            if bits & 0x7C == 0x7C { return bits & 3 != 0 ? .nan : bits & 0x80 != 0 ? -.infinity : .infinity }
            return number(exponentBits: 5, fractionBits: 2, bias: 15)
        case .float8e5m2fnuz: return bits == 0x80 ? .nan : number(exponentBits: 5, fractionBits: 2, bias: 16)
        case .float4e2m1: return number(exponentBits: 2, fractionBits: 1, bias: 1)
        case .float8e8m0:
            return bits == 0xFF ? .nan : Float(sign: .plus, exponent: Int(bits) - 127, significand: 1)
        default: return Float(bits)
        }
    }

    var storage: ElementType {
        switch self {
        case .float: .f32
        case .uint8, .bool: .u8
        case .int8: .i8
        case .uint16: .u16
        case .int16: .i16
        case .int32: .i32
        case .int64: .i64
        case .half: .f16
        case .double: .f64
        case .uint32: .u32
        case .uint64: .u64
        case .bfloat: .bf16
        default: .u8
        }
    }

    /// The same in a file of tensors, which has no numbers of four bits and fewer.
    package var elementType: ElementType {
        switch self {
        case .bool: .bool
        case .float8e4m3fn: .f8e4m3
        case .float8e5m2: .f8e5m2
        case .float8e4m3fnuz, .float8e5m2fnuz, .float4e2m1, .float8e8m0: .f32
        case .int4, .int2: .i8
        default: storage
        }
    }

    /// As ONNX names it.
    package var name: String {
        switch self {
        case .half: "float16"
        case .bfloat: "bfloat16"
        default: "\(self)"
        }
    }

    /// The smallest and the largest number of a type of integers.
    var range: ClosedRange<Int64> {
        switch self {
        case .uint8: 0...255
        case .int8: -128...127
        case .uint16: 0...65535
        case .int16: -32768...32767
        case .int32: Int64(Int32.min)...Int64(Int32.max)
        case .uint32: 0...Int64(UInt32.max)
        case .bool: 0...1
        case .uint4: 0...15
        case .int4: -8...7
        case .uint2: 0...3
        case .int2: -2...1
        default: Int64.min...Int64.max
        }
    }
}
