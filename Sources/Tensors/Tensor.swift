internal import Platform

/// A dense array of 32-bit floats in row-major order that never changes.
///
/// Its numbers are in memory of its own; copies of a tensor share them.
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

    /// A tensor whose values `write` writes; the memory holds zeros before.
    ///
    /// - Precondition: there is memory for them.
    package init<Failure: Error>(
        shape: Shape,
        writing write: (inout MutableSpan<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        self = unsafe Tensor(shape: shape) { (_: UnsafeMutableBufferPointer<Float>) in }
        var span = unsafe storage.mutable.mutableSpan
        try write(&span)
    }

    /// A tensor whose values `fill` writes; the memory holds zeros before.
    ///
    /// - Precondition: there is memory for them.
    package init(shape: Shape, fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
        self.shape = shape
        do {
            storage = try Storage(count: shape.elementCount)
        } catch {
            fatalError("a tensor of \(shape): \(error)")
        }
        unsafe fill(storage.mutable)
    }

    /// A row of numbers that a kernel writes; the memory holds zeros before.
    package init(count: Int, write: (UnsafeMutablePointer<Float>) -> Void) {
        unsafe self.init(shape: [count]) { target in
            guard let address = target.baseAddress else { return } // empty
            unsafe write(address)
        }
    }

    /// A tensor whose bytes `fill` writes; the memory holds zeros before.
    ///
    /// - Throws: what `fill` throws, and a `SystemError` as `failure` makes it when there is no memory.
    init<Failure: Error>(
        shape: Shape,
        outOfMemory failure: (SystemError) -> Failure,
        fill: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        self.shape = shape
        let made: Storage
        do throws(SystemError) {
            made = try Storage(count: shape.elementCount)
        } catch {
            throw failure(error)
        }
        try unsafe fill(made.mutable)
        storage = made
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

    /// Where the numbers are; valid while a copy of this tensor lives.
    package var address: UnsafePointer<Float> { unsafe storage.address }
}

extension Tensor {
    /// The memory behind a tensor, aligned to a cache line.
    @safe // immutable once its tensor is made; `address` is used only while the object lives
    private final class Storage: Sendable {
        private let memory: ZeroedMemory
        private let count: Int

        init(count: Int) throws(SystemError) {
            memory = try ZeroedMemory(byteCount: count * MemoryLayout<Float>.stride)
            self.count = count
        }

        /// For the one who makes the tensor.
        var mutable: UnsafeMutableBufferPointer<Float> {
            unsafe UnsafeMutableBufferPointer(
                start: memory.address.assumingMemoryBound(to: Float.self),
                count: count
            )
        }

        var address: UnsafePointer<Float> {
            unsafe UnsafePointer(memory.address.assumingMemoryBound(to: Float.self))
        }

        var buffer: UnsafeBufferPointer<Float> { unsafe UnsafeBufferPointer(start: address, count: count) }
    }
}
