/// Products of the rows of a matrix with a vector, for searches that the engine has no part in.
extension Tensor {
    /// The product of each row with a vector.
    ///
    /// - Shape: rows × numbers with numbers → rows.
    package func products(with vector: Tensor) -> [Float] {
        (0..<shape[0]).map { product(ofRow: $0, with: vector) }
    }

    /// The product of a row with a vector: one sum in one order, whatever other rows are asked for.
    ///
    /// - Precondition: this is rows × numbers, and the vector has as many numbers.
    package func product(ofRow row: Int, with vector: Tensor) -> Float {
        let count = shape[1]
        precondition(
            shape.rank == 2 && vector.shape.elementCount == count && 0..<shape[0] ~= row,
            "row \(row) of \(shape) with \(vector.shape)"
        )
        return unsafe withUnsafeBytes { matrix in
            unsafe vector.withUnsafeBytes { vector in
                let start = row * count * 4
                var sums = (SIMD8<Float>(), SIMD8<Float>())
                var place = 0
                while place + 16 <= count {
                    let (here, there) = (place * 4, place * 4 + 32)
                    sums.0 +=
                        unsafe matrix.loadUnaligned(fromByteOffset: start + here, as: SIMD8<Float>.self)
                        * vector.loadUnaligned(fromByteOffset: here, as: SIMD8<Float>.self)
                    sums.1 +=
                        unsafe matrix.loadUnaligned(fromByteOffset: start + there, as: SIMD8<Float>.self)
                        * vector.loadUnaligned(fromByteOffset: there, as: SIMD8<Float>.self)
                    place += 16
                }
                var sum = (sums.0 + sums.1).sum()
                while place < count {
                    sum +=
                        unsafe matrix.loadUnaligned(fromByteOffset: start + place * 4, as: Float.self)
                        * vector.loadUnaligned(fromByteOffset: place * 4, as: Float.self)
                    place += 1
                }
                return sum
            }
        }
    }
}
