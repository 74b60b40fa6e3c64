internal import CKernels

extension Image {
    /// Resizes the image to exactly the pixels that Pillow's `resize` gives.
    ///
    /// Columns are resampled first and rounded to 8 bits, then rows; the other way round when the height shrinks
    /// by more than twice what the width does, which is Pillow's rule since 13.0 (older ones differ there by
    /// rounding). An axis that keeps its size is left alone.
    ///
    /// - Parameters:
    ///   - width: of the whole resized image.
    ///   - height: of the whole resized image.
    ///   - interpolation: the filter.
    /// - Returns: the image in its new size.
    package func resized(width: Int, height: Int, interpolation: Interpolation) -> Image {
        let whole = Region(x: 0, y: 0, width: width, height: height)
        guard
            let image = resized(
                width: width,
                height: height,
                interpolation: interpolation,
                region: whole,
                while: { true }
            )
        else { preconditionFailure("resizing stopped by itself") }
        return image
    }

    /// Computes one region of the resized image; only that region is held in memory.
    ///
    /// - Parameters:
    ///   - width: of the whole resized image.
    ///   - height: of the whole resized image.
    ///   - interpolation: the filter.
    ///   - region: what to compute of it.
    ///   - shouldContinue: asked for every few rows; false ends the work.
    /// - Returns: the region; nil when told to stop.
    func resized(
        width: Int,
        height: Int,
        interpolation: Interpolation,
        region: Region,
        while shouldContinue: () -> Bool
    ) -> Image? {
        precondition(
            region.x >= 0 && region.width > 0 && region.width <= width - region.x
                && region.y >= 0 && region.height > 0 && region.height <= height - region.y,
            "region \(region) of an image of \(width)×\(height)"
        )
        if self.width == width, self.height == height, region.width == width, region.height == height {
            return self
        }
        let columns = Axis(interpolation, from: self.width, to: width, first: region.x, count: region.width)
        let rows = Axis(interpolation, from: self.height, to: height, first: region.y, count: region.height)
        return resampled(columns, rows, of: 0..<self.width, while: shouldContinue)
    }

    /// Resizes a part of the image to exactly the pixels that Pillow's `crop` and then `resize` give.
    ///
    /// Only the result is held in memory; pixels around the part play no role.
    ///
    /// - Parameters:
    ///   - part: within the image, of at least one pixel.
    ///   - width: of the result.
    ///   - height: of the result.
    ///   - interpolation: the filter.
    ///   - shouldContinue: asked for every few rows; false ends the work.
    /// - Returns: the resized part; nil when told to stop.
    package func resized(
        _ part: PixelBox,
        width: Int,
        height: Int,
        interpolation: Interpolation,
        while shouldContinue: () -> Bool
    ) -> Image? {
        precondition(
            part.left >= 0 && part.top >= 0 && part.width > 0 && part.height > 0 && part.right <= self.width
                && part.bottom <= self.height,
            "part \(part) of an image of \(self.width)×\(self.height)"
        )
        let columns = Axis(interpolation, part: part.left..<part.right, to: width)
        let rows = Axis(interpolation, part: part.top..<part.bottom, to: height)
        return resampled(columns, rows, of: part.left..<part.right, while: shouldContinue)
    }

    /// The pixels that two axes make of some of the image's columns; nil when told to stop.
    private func resampled(
        _ columns: Axis,
        _ rows: Axis,
        of inputs: Range<Int>,
        while shouldContinue: () -> Bool
    ) -> Image? {
        let (width, height) = (columns.starts.count, rows.starts.count)
        let rowBytes = width * channels
        var isWhole = false
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: rowBytes * height) { buffer, count in
            unsafe self.pixels.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress, let out = buffer.baseAddress else { return }
                let input = unsafe Rows(
                    base: source,
                    bytes: self.width * channels,
                    wanted: inputs.lowerBound * channels..<inputs.upperBound * channels
                )
                isWhole = unsafe resample(
                    input,
                    columns,
                    rows,
                    into: out,
                    rowBytes: rowBytes,
                    while: shouldContinue
                )
            }
            count = isWhole ? rowBytes * height : 0
        }
        return isWhole ? Image(width: width, height: height, channels: channels, pixels: pixels) : nil
    }

    /// Rows of an image, one after the other in memory.
    @unsafe private struct Rows {
        let base: UnsafePointer<UInt8>
        let bytes: Int
        /// Those of each row that count.
        let wanted: Range<Int>

        subscript(y: Int) -> UnsafePointer<UInt8> { unsafe base + y * bytes }
    }

    /// Makes the output rows from top to bottom; returns whether it came to the last.
    private func resample(
        _ input: Rows,
        _ columns: Axis,
        _ rows: Axis,
        into out: UnsafeMutablePointer<UInt8>,
        rowBytes: Int,
        while shouldContinue: () -> Bool
    ) -> Bool {
        guard case .weighted(let weights) = rows.kind else {
            for (i, y) in rows.starts.enumerated() {
                guard shouldContinue() else { return false }
                unsafe columns.resample(
                    input[y],
                    1,
                    width: width,
                    channels: channels,
                    into: out + i * rowBytes
                )
            }
            return true
        }
        let resample = unsafe rows.shrinks(moreThanTwice: columns) ? resampleRowsFirst : resampleColumnsFirst
        return unsafe resample(input, columns, rows, weights, out, rowBytes, shouldContinue)
    }

    /// Keeps, in a ring, only the resampled rows that the next output row needs.
    ///
    /// Rows are resampled in groups, which the kernel takes at once.
    private func resampleColumnsFirst(
        _ input: Rows,
        _ columns: Axis,
        _ rows: Axis,
        _ weights: Axis.Weights,
        _ out: UnsafeMutablePointer<UInt8>,
        _ rowBytes: Int,
        _ shouldContinue: () -> Bool
    ) -> Bool {
        let group = 4
        // An output row may begin at the last row of a group and end at the first of another.
        let capacity = ((weights.counts.max() ?? 0) + 2 * (group - 1)) / group * group
        var ring = [UInt8](repeating: 0, count: capacity * rowBytes)
        return unsafe ring.withUnsafeMutableBufferPointer { ring in
            unsafe weights.values.withUnsafeBufferPointer { values in
                guard let ring = ring.baseAddress, let values = values.baseAddress else { return false }
                var next = 0
                for (i, start) in rows.starts.enumerated() {
                    guard shouldContinue() else { return false }
                    next = max(next, start / group * group)
                    while next < start + weights.counts[i] {
                        guard shouldContinue() else { return false }
                        unsafe columns.resample(
                            input[next],
                            min(group, height - next),
                            width: width,
                            channels: channels,
                            into: ring + next % capacity * rowBytes
                        )
                        next += group
                    }
                    unsafe kernel_resample_rows(
                        ring,
                        rowBytes,
                        rowBytes,
                        capacity,
                        start,
                        weights.counts[i],
                        values + i * weights.taps,
                        out + i * rowBytes
                    )
                }
                return true
            }
        }
    }

    /// Sums rows of the input's width, then resamples the sum.
    private func resampleRowsFirst(
        _ input: Rows,
        _ columns: Axis,
        _ rows: Axis,
        _ weights: Axis.Weights,
        _ out: UnsafeMutablePointer<UInt8>,
        _ rowBytes: Int,
        _ shouldContinue: () -> Bool
    ) -> Bool {
        var sum = unsafe [UInt8](repeating: 0, count: input.bytes)
        return unsafe sum.withUnsafeMutableBufferPointer { sum in
            unsafe weights.values.withUnsafeBufferPointer { values in
                guard let sum = sum.baseAddress, let values = values.baseAddress else { return false }
                for (i, start) in rows.starts.enumerated() {
                    guard shouldContinue() else { return false }
                    unsafe kernel_resample_rows(
                        input.base + input.wanted.lowerBound,
                        input.wanted.count,
                        input.bytes,
                        height,
                        start,
                        weights.counts[i],
                        values + i * weights.taps,
                        sum + input.wanted.lowerBound
                    )
                    unsafe columns.resample(
                        sum,
                        1,
                        width: width,
                        channels: channels,
                        into: out + i * rowBytes
                    )
                }
                return true
            }
        }
    }
}
