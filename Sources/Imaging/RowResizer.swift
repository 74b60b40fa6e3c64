internal import CKernels

/// Resizes a part of an image whose stored rows come one after the other, to exactly the pixels that `Image.resized`
/// makes of the upright image.
///
/// It holds the part, and of the image only the rows that the next rows of the part are made of. An image that is stored
/// turned or mirrored is resized as it is stored, by the weights of the upright one mirrored with it, and the part
/// is turned in the end: every sum has the same terms.
struct RowResizer {
    /// As many rows are resampled at once.
    private static let group = 4

    private let stored: ImageSize
    private let channels: Int
    private let orientation: Orientation
    private let columns: Axis
    private let rows: Axis
    /// Whether rows are summed in their full width and the sum is resampled, not the other way round.
    private let isRowsFirst: Bool
    private let ringRows: Int
    /// The latest rows: as they came, or resampled to the part's columns.
    private var ring: [UInt8]
    /// A group of rows that is yet to be resampled, or the sum of rows.
    private var scratch: [UInt8]
    /// The part as it is stored.
    private var pixels: [UInt8]
    /// The row of the part that is made next.
    private var next = 0

    /// Prepares the part of an image that the crops of one scale show.
    init(_ layout: CropPlan.Layout, _ plan: CropPlan, stored: ImageSize, _ orientation: Orientation) {
        let (region, resized) = (layout.neededOfImage, layout.resized)
        let filter = plan.preprocessing.interpolation
        let across = Axis(
            filter,
            from: plan.imageSize.width,
            to: resized.width,
            first: region.x,
            count: region.width
        )
        let down = Axis(
            filter,
            from: plan.imageSize.height,
            to: resized.height,
            first: region.y,
            count: region.height
        )
        let steps = orientation.placement(width: 1, height: 1)
        let isDownFirst = down.shrinks(moreThanTwice: across)
        let (x, y) = orientation.swapsSides ? (down, across) : (across, down)
        columns = steps.column < 0 ? x.reflected() : x
        rows = steps.row < 0 ? y.reflected() : y
        isRowsFirst = columns.isWeighted && isDownFirst != orientation.swapsSides
        self.stored = stored
        self.orientation = orientation
        channels = plan.preprocessing.color.channels
        ringRows = rows.reach(inGroupsOf: isRowsFirst ? 1 : Self.group)
        let rowBytes = stored.width * channels
        let partBytes = columns.starts.count * channels
        ring = [UInt8](repeating: 0, count: ringRows * (isRowsFirst ? rowBytes : partBytes))
        scratch = [UInt8](repeating: 0, count: rowBytes * (isRowsFirst ? 1 : Self.group))
        pixels = [UInt8](repeating: 0, count: rows.starts.count * partBytes)
    }

    /// The most bytes that one holds, and its part when it is turned.
    static func bytes(
        _ layout: CropPlan.Layout,
        _ plan: CropPlan,
        stored: ImageSize,
        _ orientation: Orientation
    ) -> Int {
        let (region, channels) = (layout.neededOfImage, plan.preprocessing.color.channels)
        let filter = plan.preprocessing.interpolation
        let across = Axis.taps(filter, from: plan.imageSize.width, to: layout.resized.width)
        let down = Axis.taps(filter, from: plan.imageSize.height, to: layout.resized.height)
        let isDownFirst = Axis.shrinks(
            plan.imageSize.height - layout.resized.height,
            moreThanTwice: plan.imageSize.width - layout.resized.width
        )
        let isSwapped = orientation.swapsSides
        let isRowsFirst = isDownFirst != isSwapped
        let rows = (isSwapped ? across : down) + 2 * group // a reach begins and ends with a group
        let rowBytes = isRowsFirst ? stored.width : isSwapped ? region.height : region.width
        let weights = (across * region.width + down * region.height) * MemoryLayout<Int32>.stride
        let starts = (region.width + region.height) * 2 * MemoryLayout<Int>.stride
        return (rows * rowBytes + group * stored.width) * channels + 2 * (weights + starts)
            + 2 * region.width * region.height * channels
    }

    /// Takes the next row from the top; its bytes are read during the call alone.
    mutating func take(_ row: UnsafePointer<UInt8>, _ y: Int) {
        guard next < rows.starts.count else { return }
        guard case .weighted(let weights) = rows.kind else {
            while next < rows.starts.count, rows.starts[next] == y { unsafe make(of: row) }
            return
        }
        unsafe keep(row, y)
        let isGroup = (y + 1) % Self.group == 0 || y + 1 == stored.height
        guard isRowsFirst || isGroup else { return }
        while next < rows.starts.count, rows.starts[next] + weights.counts[next] <= y + 1 { sum(weights) }
    }

    /// Puts a row into the ring, resampled unless rows are summed first; rows come resampled in groups.
    private mutating func keep(_ row: UnsafePointer<UInt8>, _ y: Int) {
        let rowBytes = stored.width * channels
        if isRowsFirst {
            guard y >= rows.starts[next] else { return }
            let slot = y % ringRows * rowBytes
            unsafe ring.withUnsafeMutableBufferPointer { ring in
                guard let ring = ring.baseAddress else { return }
                unsafe (ring + slot).update(from: row, count: rowBytes)
            }
            return
        }
        let (group, place) = y.quotientAndRemainder(dividingBy: Self.group)
        guard (group + 1) * Self.group > rows.starts[next] else { return }
        let isLast = place + 1 == Self.group || y + 1 == stored.height
        let slot = group * Self.group % ringRows * columns.starts.count * channels
        unsafe scratch.withUnsafeMutableBufferPointer { rows in
            unsafe ring.withUnsafeMutableBufferPointer { ring in
                guard let rows = rows.baseAddress, let ring = ring.baseAddress else { return }
                unsafe (rows + place * rowBytes).update(from: row, count: rowBytes)
                guard isLast else { return }
                unsafe columns.resample(
                    rows,
                    place + 1,
                    width: stored.width,
                    channels: channels,
                    into: ring + slot
                )
            }
        }
    }

    /// Makes the next row of the part of the rows in the ring.
    private mutating func sum(_ weights: Axis.Weights) {
        let partBytes = columns.starts.count * channels
        let rowBytes = isRowsFirst ? stored.width * channels : partBytes
        unsafe weights.values.withUnsafeBufferPointer { values in
            unsafe ring.withUnsafeBufferPointer { ring in
                unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                    unsafe pixels.withUnsafeMutableBufferPointer { pixels in
                        guard let values = values.baseAddress, let ring = ring.baseAddress,
                            let sum = scratch.baseAddress, let out = pixels.baseAddress
                        else { return }
                        let part = unsafe out + next * partBytes
                        unsafe kernel_resample_rows(
                            ring,
                            rowBytes,
                            rowBytes,
                            ringRows,
                            rows.starts[next],
                            weights.counts[next],
                            values + next * weights.taps,
                            isRowsFirst ? sum : part
                        )
                        guard isRowsFirst else { return }
                        unsafe columns.resample(sum, 1, width: stored.width, channels: channels, into: part)
                    }
                }
            }
        }
        next += 1
    }

    /// Makes the next row of the part of one row alone.
    private mutating func make(of row: UnsafePointer<UInt8>) {
        let partBytes = columns.starts.count * channels
        unsafe pixels.withUnsafeMutableBufferPointer { pixels in
            guard let out = pixels.baseAddress else { return }
            unsafe columns.resample(
                row,
                1,
                width: stored.width,
                channels: channels,
                into: out + next * partBytes
            )
        }
        next += 1
    }

    /// The upright part, once all rows have come.
    func piece() -> Image {
        precondition(next == rows.starts.count, "\(next) rows of \(rows.starts.count)")
        let (width, height) = (columns.starts.count, rows.starts.count)
        let size =
            orientation.swapsSides
            ? ImageSize(height: width, width: height) : ImageSize(height: height, width: width)
        guard orientation != .upright else {
            return Image(width: width, height: height, channels: channels, pixels: pixels)
        }
        let placement = orientation.placement(width: width, height: height)
        var turned = [UInt8](repeating: 0, count: pixels.count)
        for y in 0..<height {
            for x in 0..<width {
                let to = (placement.origin + x * placement.column + y * placement.row) * channels
                let from = (y * width + x) * channels
                for channel in 0..<channels { turned[to + channel] = pixels[from + channel] }
            }
        }
        return Image(width: size.width, height: size.height, channels: channels, pixels: turned)
    }
}
