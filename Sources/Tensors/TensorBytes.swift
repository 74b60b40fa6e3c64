package import Platform

/// Numbers of any type, as they lie in files and bodies, as a tensor of floats.
extension Tensor {
    /// A tensor of floats made of numbers of a type, each rounded to the nearest float.
    ///
    /// - Parameters:
    ///   - shape: of the tensor.
    ///   - bytes: the numbers, row-major, the lowest byte of each first; they need not be aligned.
    ///   - type: of the numbers: a float or an integer, of 8 bits an integer.
    ///   - failure: makes an error of the system's when there is no memory.
    /// - Precondition: there are as many bytes as the shape has elements of the type.
    /// - Throws: what `failure` makes.
    package init<Failure: Error>(
        shape: Shape,
        _ bytes: Span<UInt8>,
        of type: ElementType,
        outOfMemory failure: (SystemError) -> Failure
    ) throws(Failure) {
        precondition(
            bytes.count == shape.elementCount * type.size,
            "\(bytes.count) bytes for \(shape) of \(type.rawValue)"
        )
        try unsafe self.init(shape: shape, outOfMemory: failure) {
            (target: UnsafeMutableBufferPointer<Float>) throws(Failure) in
            let source = unsafe bytes.bytes
            unsafe Self.fill(target, from: source, of: type)
        }
    }

    private static func fill(
        _ target: UnsafeMutableBufferPointer<Float>,
        from bytes: RawSpan,
        of type: ElementType
    ) {
        switch type {
        case .f32:
            unsafe bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            }
        case .f16: unsafe fill(target, bytes) { (bits: UInt16) in float(half: bits) }
        case .bf16: unsafe fill(target, bytes) { (bits: UInt16) in float(bfloat: bits) }
        case .f64: unsafe fill(target, bytes) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        case .i64: unsafe fill(target, bytes) { (number: Int64) in Float(number) }
        case .i32: unsafe fill(target, bytes) { (number: Int32) in Float(number) }
        case .i16: unsafe fill(target, bytes) { (number: Int16) in Float(number) }
        case .i8: unsafe fill(target, bytes) { (number: Int8) in Float(number) }
        case .u64: unsafe fill(target, bytes) { (number: UInt64) in Float(number) }
        case .u32: unsafe fill(target, bytes) { (number: UInt32) in Float(number) }
        case .u16: unsafe fill(target, bytes) { (number: UInt16) in Float(number) }
        case .u8: unsafe fill(target, bytes) { (number: UInt8) in Float(number) }
        case .bool, .c64, .f8e4m3, .f8e5m2: preconditionFailure("floats of \(type.rawValue)")
        }
    }

    private static func fill<Number: FixedWidthInteger & BitwiseCopyable>(
        _ target: UnsafeMutableBufferPointer<Float>,
        _ bytes: RawSpan,
        _ convert: (Number) -> Float
    ) {
        for index in 0..<target.count {
            let number = unsafe bytes.unsafeLoadUnaligned(
                fromByteOffset: index * MemoryLayout<Number>.size,
                as: Number.self
            )
            unsafe target[index] = convert(Number(littleEndian: number))
        }
    }
}
