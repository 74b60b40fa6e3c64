internal import Platform

/// A dense array of 32-bit floats in row-major order that never changes.
///
/// Its numbers are in memory of its own or in a mapped file; copies of a tensor share them.
package struct Tensor: Sendable {
    package let shape: Shape
    private let storage: Storage

    /// A tensor with the given values.
    ///
    /// - Precondition: there are as many values as the shape has elements.
    package init(shape: Shape, values: [Float]) {
        precondition(values.count == shape.elementCount, "\(values.count) values for a tensor of \(shape)")
        unsafe self.init(shape: shape) { target in
            for (index, value) in values.enumerated() { unsafe target[index] = value }
        }
    }

    /// A tensor whose values `fill` writes; the memory holds zeros before.
    init(shape: Shape, fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
        self.shape = shape
        storage = unsafe Storage(count: shape.elementCount, fill: fill)
    }

    /// A row of numbers that a kernel writes; the memory holds zeros before.
    init(count: Int, write: (UnsafeMutablePointer<Float>) -> Void) {
        unsafe self.init(shape: [count]) { target in
            guard let address = target.baseAddress else { return } // empty
            unsafe write(address)
        }
    }

    /// A tensor that is part of a mapped file.
    ///
    /// - Precondition: the range lies in the file and its place in memory is a multiple of 4.
    init(shape: Shape, file: MappedFile, offset: Int) {
        self.shape = shape
        storage = Storage(file: file, offset: offset, count: shape.elementCount)
    }

    private init(shape: Shape, storage: Storage) {
        self.shape = shape
        self.storage = storage
    }

    /// The same numbers under another shape.
    ///
    /// - Precondition: both shapes have the same element count.
    package func reshaped(to shape: Shape) -> Tensor {
        precondition(shape.elementCount == self.shape.elementCount, "\(self.shape) is not \(shape)")
        return Tensor(shape: shape, storage: storage)
    }

    /// A copy of the numbers.
    package var values: [Float] { unsafe Array(storage.buffer) }

    /// Calls `body` with the numbers.
    package func withSpan<Result: ~Copyable, Failure: Error>(
        _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(storage.buffer.span)
    }

    /// Calls `body` with the numbers, valid during the call only.
    package func withUnsafeBufferPointer<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(storage.buffer)
    }

    /// Lets the pages of a mapped file go; they come back from the file when somebody reads them.
    func releasePages() { storage.releasePages() }

    /// Where the numbers are; valid while a copy of this tensor lives.
    var address: UnsafePointer<Float> { unsafe storage.address }
}

extension Tensor {
    /// The memory behind a tensor, aligned to a cache line when it is its own.
    @safe // immutable after init; `address` is used only while the object lives
    private final class Storage: Sendable {
        nonisolated(unsafe) let address: UnsafePointer<Float> // immutable after init, freed in deinit
        let count: Int
        private let file: MappedFile?

        init(count: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
            let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
            unsafe MemoryAdvice.useHugePages(bytes, count: count * 4)
            let floats = unsafe bytes.bindMemory(to: Float.self, capacity: count)
            unsafe floats.initialize(repeating: 0, count: count)
            unsafe fill(UnsafeMutableBufferPointer(start: floats, count: count))
            unsafe address = UnsafePointer(floats)
            self.count = count
            file = nil
        }

        init(file: MappedFile, offset: Int, count: Int) {
            precondition(
                offset >= 0 && offset <= file.count && count <= (file.count - offset) / 4,
                "\(count) floats at byte \(offset) of \(file.count)"
            )
            // The mapping outlives the call because it lives as long as `file`, which this object keeps.
            unsafe address = file.withBytes { bytes in
                guard count > 0, let base = bytes.baseAddress else { return unsafe Self.nothing }
                let start = unsafe base + offset
                precondition(UInt(bitPattern: start) % 4 == 0, "floats at byte \(offset) are not aligned")
                return unsafe start.assumingMemoryBound(to: Float.self)
            }
            self.count = count
            self.file = file
        }

        deinit {
            if file == nil { unsafe UnsafeMutableRawPointer(mutating: address).deallocate() }
        }

        func releasePages() {
            guard let file else { return }
            unsafe file.withBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe file.releasePages(from: UnsafeRawPointer(address) - base, count: count * 4)
            }
        }

        var buffer: UnsafeBufferPointer<Float> { unsafe UnsafeBufferPointer(start: address, count: count) }

        /// An aligned address that is never read, for tensors without elements.
        private static var nothing: UnsafePointer<Float> {
            guard let pointer = unsafe UnsafePointer<Float>(bitPattern: 64) else {
                preconditionFailure("64 is not null")
            }
            return unsafe pointer
        }
    }
}
