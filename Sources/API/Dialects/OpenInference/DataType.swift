internal import Engine

/// The types that the elements of a tensor have in the Open Inference Protocol; the raw values are its names.
///
/// - Source: Open Inference Protocol, REST, "Tensor Data Types"; `BF16` is Triton's.
package enum DataType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case fp16 = "FP16"
    case bf16 = "BF16"
    case fp32 = "FP32"
    case fp64 = "FP64"
    /// Elements of any length.
    case bytes = "BYTES"

    /// How its numbers are stored; nil for elements of any length.
    var elementType: ElementType? {
        switch self {
        case .bool: .bool
        case .uint8: .u8
        case .uint16: .u16
        case .uint32: .u32
        case .uint64: .u64
        case .int8: .i8
        case .int16: .i16
        case .int32: .i32
        case .int64: .i64
        case .fp16: .f16
        case .bf16: .bf16
        case .fp32: .f32
        case .fp64: .f64
        case .bytes: nil
        }
    }

    /// The whole numbers that it holds; nil for other types.
    var range: ClosedRange<Double>? {
        switch self {
        case .uint8: 0...255
        case .uint16: 0...65_535
        case .uint32: 0...4_294_967_295
        case .uint64: 0...0x1p64
        case .int8: -128...127
        case .int16: -32_768...32_767
        case .int32: -2_147_483_648...2_147_483_647
        case .int64: -0x1p63...0x1p63
        case .bool, .fp16, .bf16, .fp32, .fp64, .bytes: nil
        }
    }

    var isInteger: Bool { range != nil }
    /// Whether the models take its numbers.
    var isNumber: Bool { self != .bool && self != .bytes }

    /// Its name in Triton's model configuration, such as `TYPE_FP32`.
    var configurationName: String { self == .bytes ? "TYPE_STRING" : "TYPE_\(rawValue)" }
}
