internal import Engine
package import Imaging
package import Support

/// Where an image is covered, one patch at a time, to see what its class loses by that.
///
/// The patches' centres lie in the middle of the cells of a grid over the image. What is covered has the mean colour of the
/// model's training, which is 0 to the network.
/// - Source: Zeiler & Fergus 2014, §4.2 and Figure 7.
package struct Occlusion: Sendable, Equatable {
    /// The most patches of an image.
    package static let mostRuns = 1024
    /// Runs that wait in the queue together.
    static let atATime = 32
    /// A finer grid is worth so many multiplications.
    private static let fineCost = 20_000_000_000

    /// The side of a patch in pixels of the crop.
    package let patch: Int
    /// From one patch to the next.
    package let stride: Int
    let image: ImageSize

    /// - Parameters:
    ///   - image: the size of the crop.
    ///   - multiplyAdds: what one run takes; a grid is 16 cells along the longer side where that is cheap, else 8.
    ///   - patch: nil for two strides.
    ///   - stride: nil for that of the grid.
    /// - Throws: `ServingError` 400 for numbers that do not fit the image, 413 for more than `mostRuns` patches.
    package init(
        _ image: ImageSize,
        multiplyAdds: Int,
        patch: Int?,
        stride: Int?
    ) throws(ServingError) {
        let side = max(image.height, image.width)
        let cells = multiplyAdds <= Self.fineCost / (16 * 16) ? 16 : 8
        for (name, value) in [("patch", patch), ("stride", stride)] {
            guard let value, value > side else { continue }
            throw .invalidParameter(
                name,
                expected: "at most \(side) pixels, the side of the crop",
                found: "\(value)"
            )
        }
        self.image = image
        self.stride = stride ?? (side + cells - 1) / cells
        self.patch = patch ?? min(side, 2 * self.stride)
        guard rows * columns <= Self.mostRuns else {
            let found = "a stride of \(self.stride) makes \(rows)×\(columns)"
            throw .tooLarge(
                code: "request_too_costly",
                "stride: expected at most \(Self.mostRuns) patches, but \(found) on a crop of \(image)"
            )
        }
    }

    package var rows: Int { (image.height + stride - 1) / stride }
    package var columns: Int { (image.width + stride - 1) / stride }
    /// How many patches there are.
    package var count: Int { rows * columns }

    /// The rows and columns that a patch covers, clipped to the image.
    package func covered(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        let (row, column) = index.quotientAndRemainder(dividingBy: columns)
        return (
            span(row, of: rows, along: image.height), span(column, of: columns, along: image.width)
        )
    }

    private func span(_ cell: Int, of cells: Int, along side: Int) -> Range<Int> {
        let start = (2 * cell + 1) * side / (2 * cells) - patch / 2
        return max(0, start)..<min(side, start + patch)
    }

    /// The values of the crop with a patch covered.
    ///
    /// - Shape: channels × height × width.
    package func cover(_ index: Int, of values: inout MutableSpan<Float>) {
        let (rows, columns) = covered(index)
        for channel in 0..<values.count / (image.height * image.width) {
            for row in rows {
                let start = (channel * image.height + row) * image.width
                for column in columns { values[start + column] = 0 }
            }
        }
    }
}
