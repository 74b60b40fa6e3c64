package import Platform

/// A dense array of numbers in row-major order that never changes.
///
/// Its numbers are in memory of its own; copies of a tensor share them. Those of type `f32` are read and written as
/// floats, those of any type as bytes.
package struct Tensor: Sendable {
    package let shape: Shape
    package let elementType: ElementType
    private let storage: Storage
    /// Where its numbers begin in the storage, in bytes: not 0 for an item of another tensor.
    private let start: Int

    /// A tensor with the given values.
    ///
    /// - Precondition: there are as many values as the shape has elements.
    package init(shape: Shape, values: [Float]) {
        precondition(values.count == shape.elementCount, "\(values.count) values for a tensor of \(shape)")
        do {
            try unsafe self.init(shape: shape) { target in
                for (index, value) in values.enumerated() { unsafe target[index] = value }
            }
        } catch {
            // The values are in an array already, and Swift itself ends a process that has no memory for an array. Who
            // has numbers of a size that another one decides uses the initializers that throw.
            fatalError("a copy of an array of \(shape): \(error)")
        }
    }

    /// A tensor of floats that `write` writes; the memory holds zeros before.
    ///
    /// - Throws: what `write` throws, and a `SystemError` as `failure` makes it when there is no memory.
    package init<Failure: Error>(
        shape: Shape,
        outOfMemory failure: (SystemError) -> Failure,
        writing write: (inout MutableSpan<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        try unsafe self.init(shape: shape, outOfMemory: failure) {
            (target: UnsafeMutableBufferPointer<Float>) throws(Failure) in
            var span = unsafe target.mutableSpan
            try write(&span)
        }
    }

    /// A tensor of floats that `fill` writes; the memory holds zeros before.
    ///
    /// - Throws: `SystemError` when there is no memory.
    package init(
        shape: Shape,
        fill: (UnsafeMutableBufferPointer<Float>) -> Void
    ) throws(SystemError) {
        try unsafe self.init(shape: shape, outOfMemory: { $0 }) {
            (target: UnsafeMutableBufferPointer<Float>) throws(SystemError) in
            unsafe fill(target)
        }
    }

    /// A row of floats that a kernel writes; the memory holds zeros before.
    ///
    /// - Throws: `SystemError` when there is no memory.
    package init(count: Int, write: (UnsafeMutablePointer<Float>) -> Void) throws(SystemError) {
        try unsafe self.init(shape: [count]) { target in
            guard let address = target.baseAddress else { return } // empty
            unsafe write(address)
        }
    }

    /// A tensor of floats that `fill` writes; the memory holds zeros before.
    ///
    /// - Throws: what `fill` throws, and a `SystemError` as `failure` makes it when there is no memory.
    init<Failure: Error>(
        shape: Shape,
        outOfMemory failure: (SystemError) -> Failure,
        fill: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        try unsafe self.init(shape: shape, .f32, outOfMemory: failure) {
            (bytes: UnsafeMutableRawBufferPointer) throws(Failure) in
            try unsafe fill(bytes.bindMemory(to: Float.self))
        }
    }

    /// A tensor of any type, whose bytes `fill` writes; the memory holds zeros before.
    ///
    /// - Throws: what `fill` throws, and a `SystemError` as `failure` makes it when there is no memory.
    package init<Failure: Error>(
        shape: Shape,
        _ elementType: ElementType,
        outOfMemory failure: (SystemError) -> Failure,
        fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        self.shape = shape
        self.elementType = elementType
        start = 0
        let made: Storage
        do throws(SystemError) {
            made = try Storage(byteCount: shape.elementCount * elementType.size)
        } catch {
            throw failure(error)
        }
        try unsafe fill(made.mutable)
        storage = made
    }

    private init(shape: Shape, _ elementType: ElementType, storage: Storage, start: Int) {
        self.shape = shape
        self.elementType = elementType
        self.storage = storage
        self.start = start
    }

    /// The same numbers under another shape.
    ///
    /// - Precondition: both shapes have the same element count.
    package func reshaped(to shape: Shape) -> Tensor {
        precondition(shape.elementCount == self.shape.elementCount, "\(self.shape) is not \(shape)")
        return Tensor(shape: shape, elementType, storage: storage, start: start)
    }

    /// The tensors along the first dimension; they share the memory of this one, which stays as long as any of them.
    ///
    /// - Precondition: there is a first dimension.
    package var items: [Tensor] {
        let item = Shape(Array(shape.dimensions.dropFirst()))
        let size = item.elementCount * elementType.size
        return (0..<shape[0]).map { index in
            Tensor(shape: item, elementType, storage: storage, start: start + index * size)
        }
    }

    /// What the numbers take.
    package var byteCount: Int { shape.elementCount * elementType.size }

    /// A copy of the floats.
    package var values: [Float] { unsafe Array(floats) }

    /// Calls `body` with the floats.
    package func withSpan<Result: ~Copyable, Failure: Error>(
        _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(floats.span)
    }

    /// Calls `body` with the floats, valid during the call only.
    package func withUnsafeBufferPointer<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(floats)
    }

    /// Calls `body` with the bytes of the numbers, whatever their type, valid during the call only.
    package func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(rebasing: storage.mutable[start..<start + byteCount]))
    }

    /// Where the floats are, aligned to a cache line but for an item of another tensor; valid while a copy of this tensor lives.
    package var address: UnsafePointer<Float> {
        assert(elementType == .f32, "floats of a tensor of \(elementType)")
        return unsafe UnsafePointer((storage.address + start).assumingMemoryBound(to: Float.self))
    }

    private var floats: UnsafeBufferPointer<Float> {
        precondition(elementType == .f32, "floats of a tensor of \(elementType)")
        return unsafe UnsafeBufferPointer(start: address, count: shape.elementCount)
    }
}

extension Tensor {
    /// The memory behind a tensor, aligned to a cache line.
    @safe // immutable once its tensor is made; `address` is used only while the object lives
    private final class Storage: Sendable {
        private let memory: ZeroedMemory
        let byteCount: Int

        init(byteCount: Int) throws(SystemError) {
            memory = try ZeroedMemory(byteCount: byteCount)
            self.byteCount = byteCount
        }

        var address: UnsafeMutableRawPointer { unsafe memory.address }

        /// For the one who makes the tensor.
        var mutable: UnsafeMutableRawBufferPointer {
            unsafe UnsafeMutableRawBufferPointer(start: address, count: byteCount)
        }
    }
}
