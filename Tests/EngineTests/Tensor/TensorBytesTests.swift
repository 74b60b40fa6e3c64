import Engine
import Testing

/// Tensors of numbers as they lie in files and bodies, and their items.
struct TensorBytesTests {
    private struct OutOfMemory: Error {}

    private func values(_ bytes: [UInt8], _ type: ElementType) throws -> [Float] {
        let shape: Shape = [bytes.count / type.size]
        return try Tensor(shape: shape, bytes.span, of: type) { _ in OutOfMemory() }.values
    }

    @Test(
        arguments: [
            (ElementType.f32, [0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0], [1, -2.5]),
            (.f64, [0, 0, 0, 0, 0, 0, 4, 0xC0], [-2.5]),
            (.f16, [0, 0x3C, 0, 0xC1, 1, 0], [1, -2.5, 0x1p-24]),
            (.bf16, [0x80, 0x3F, 0x20, 0xC0], [1, -2.5]),
            (.i8, [0xFF, 0x80, 0x7F], [-1, -128, 127]), (.u8, [0xFF, 0], [255, 0]),
            (.i16, [0xFE, 0xFF], [-2]), (.u16, [0xFE, 0xFF], [65_534]), (.i32, [0, 0, 0, 0x80], [-0x1p31]),
            (.u32, [0, 0, 0, 0x80], [0x1p31]), (.i64, [0, 0, 0, 0, 0, 0, 0, 0x80], [-0x1p63]),
            (.u64, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x1p64]),
        ] as [(ElementType, [UInt8], [Float])]
    )
    func `numbers of every type are read, wherever they lie`(
        type: ElementType,
        bytes: [UInt8],
        expected: [Float]
    ) throws {
        #expect(try values(bytes, type) == expected)
        // Behind a byte more, so that they are not aligned.
        let shifted = [7] + bytes
        let tensor = try Tensor(shape: [expected.count], shifted.span.extracting(1...), of: type) { _ in
            OutOfMemory()
        }
        #expect(tensor.values == expected)
    }

    @Test func `items share the numbers of their tensor`() throws {
        let tensor = Tensor(shape: [2, 3, 1], values: [1, 2, 3, 4, 5, 6])
        let items = tensor.items
        #expect(items.map(\.shape) == [[3, 1], [3, 1]])
        #expect(items.map(\.values) == [[1, 2, 3], [4, 5, 6]])
        #expect(items[1].items.map(\.values) == [[4], [5], [6]])
        #expect(items[1].reshaped(to: [1, 3]).values == [4, 5, 6])
        #expect(items[1].byteCount == 12)
        #expect(items[1].withSpan { $0[0] } == 4)
    }
}
