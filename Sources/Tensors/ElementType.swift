/// How a number is stored; the raw values are the names in safetensors files.
///
/// Kernels run on `f32`. A tensor, a value of a graph and a place in memory carry their type with them, and memory is
/// counted in bytes, so that another type is a matter of the operations that know it.
package enum ElementType: String, CaseIterable, Sendable {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f64 = "F64"
    case f8e4m3 = "F8_E4M3"
    case f8e5m2 = "F8_E5M2"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"
    case c64 = "C64"

    /// Bytes of one number.
    package var size: Int {
        switch self {
        case .f64, .i64, .u64, .c64: 8
        case .f32, .i32, .u32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .f8e4m3, .f8e5m2, .i8, .u8, .bool: 1
        }
    }
}

/// The value of an IEEE 754 half-precision number; every one is exact.
///
/// - Source: IEEE 754-2008, §3.4: 1 sign, 5 exponent and 10 fraction bits.
func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: // zero or subnormal: fraction · 2⁻²⁴
        return Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
    case 31: // infinity or not a number
        return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default:
        return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}

/// The value of a bfloat16 number: the upper half of a 32-bit float.
func float(bfloat bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
}
