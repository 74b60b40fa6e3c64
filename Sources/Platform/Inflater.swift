internal import CZlib

/// Unpacks a stream that zlib has packed, piece by piece; what is held besides is zlib's window of 32 KiB.
@safe package final class Inflater { // @safe: the stream never leaves it
    /// What stands around the packed bytes.
    package enum Format: Sendable {
        /// RFC 1952; several may follow each other.
        case gzip
        /// RFC 1950.
        case zlib
        /// RFC 1951, nothing.
        case raw

        /// What zlib calls `windowBits`.
        fileprivate var windowBits: Int32 {
            switch self {
            case .gzip: 15 + 16
            case .zlib: 15
            case .raw: -15
            }
        }
    }

    /// Why there is nothing more to unpack.
    package enum Failure: Error, Equatable {
        /// The bytes are none of the format, or their checksum is wrong.
        case corrupt
        case outOfMemory
    }

    /// How far a piece has gone.
    package struct Step: Sendable, Equatable {
        /// How many bytes of the input were used.
        package let consumed: Int
        /// How many bytes of the output were filled.
        package let produced: Int
        /// Whether the stream has come to its end.
        package let isEnd: Bool
    }

    // zlib's own state points back to it: it must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// - Throws: `Failure.outOfMemory`.
    package init(_ format: Format) throws(Failure) {
        unsafe stream.initialize(to: z_stream())
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(stream, format.windowBits, ZLIB_VERSION, size) == Z_OK else {
            throw .outOfMemory
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Unpacks from the start of `input` to the start of `output`, until one of them is used up or the stream ends.
    ///
    /// - Throws: `Failure` when the bytes are not what they should be.
    package func inflate(
        _ input: Span<UInt8>,
        into output: inout MutableSpan<UInt8>
    ) throws(Failure) -> Step {
        let (room, given) = (min(output.count, 1 << 30), min(input.count, 1 << 30))
        let status = unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                // zlib does not write to its input; the pointer's type is older than `const`.
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(given)
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = UInt32(room)
                return unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            }
        }
        let step = unsafe Step(
            consumed: given - Int(stream.pointee.avail_in),
            produced: room - Int(stream.pointee.avail_out),
            isEnd: status == Z_STREAM_END
        )
        switch status {
        // Nothing could be done for want of input or room: no fault of the stream's.
        case Z_OK, Z_STREAM_END, Z_BUF_ERROR: return step
        case Z_MEM_ERROR: throw .outOfMemory
        default: throw .corrupt
        }
    }

    /// Begins another stream of the same format.
    package func reset() {
        // Fails for a stream that was never begun only.
        unsafe inflateReset(stream)
    }
}

/// Packs bytes into one stream.
package enum Deflater {
    /// - Parameters:
    ///   - bytes: what is packed.
    ///   - format: what stands around it.
    ///   - level: 1, the fastest, to 9.
    /// - Returns: the stream; nil when there is no memory for it.
    package static func deflate(_ bytes: [UInt8], _ format: Inflater.Format, level: Int32 = 1) -> [UInt8]? {
        guard bytes.count < 1 << 31 else { return nil }
        var stream = unsafe z_stream()
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        return unsafe withUnsafeMutablePointer(to: &stream) { stream in
            let status = unsafe deflateInit2_(
                stream,
                level,
                Z_DEFLATED,
                format.windowBits,
                8,
                Z_DEFAULT_STRATEGY,
                ZLIB_VERSION,
                size
            )
            guard status == Z_OK else { return nil }
            defer { unsafe deflateEnd(stream) }
            let bound = unsafe Int(deflateBound(stream, UInt(bytes.count)))
            var isWhole = false
            let packed = unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                unsafe bytes.withUnsafeBufferPointer { input in
                    unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                    unsafe stream.pointee.avail_in = UInt32(input.count)
                    unsafe stream.pointee.next_out = output.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(output.count)
                    isWhole = unsafe CZlib.deflate(stream, Z_FINISH) == Z_STREAM_END
                }
                count = unsafe bound - Int(stream.pointee.avail_out)
            }
            return isWhole ? packed : nil
        }
    }
}
