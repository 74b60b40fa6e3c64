internal import CKernels

/// The colours and textures of an image in a space of colours, as bins to be counted for any regions.
///
/// - Source: Uijlings et al. 2013, §3.2: for each channel 25 bins of colour, and 10 of the Gaussian derivative (σ = 1) in each
///   of eight directions. A derivative's bins divide the range from 0 to the largest in its channel evenly.
package struct ImageFeatures {
    private let planes: ColorPlanes
    /// The bins of four derivatives of each channel of each pixel, together.
    private let textures: [UInt8]

    /// The most bytes that one holds for each pixel, beside the planes, while it is made.
    static let bytesPerPixel = 12 + 8

    /// - Throws: `.stopped` when told to.
    package init(
        _ planes: ColorPlanes,
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) {
        let (width, height, area, channels) = (planes.width, planes.height, planes.area, planes.channels)
        let rows = RowGroups(width: width, height: height)
        var textures = [UInt8](repeating: 0, count: 4 * channels * area)
        var derivatives = [Int16](repeating: 0, count: 4 * area)
        var scratch = [Int16](repeating: 0, count: 2 * (width + 8))
        for channel in 0..<channels {
            var most: Int32 = 0
            try rows.each(while: shouldContinue) { rows in
                let found = unsafe kernel_derivatives(
                    planes.values,
                    channel,
                    width,
                    height,
                    rows.lowerBound,
                    rows.upperBound,
                    &scratch,
                    &derivatives
                )
                most = max(most, found)
            }
            try rows.each(while: shouldContinue) { rows in
                unsafe kernel_texture_bins(
                    derivatives,
                    area,
                    rows.lowerBound * width,
                    rows.upperBound * width,
                    most,
                    channel,
                    channels,
                    &textures
                )
            }
        }
        (self.planes, self.textures) = (planes, textures)
    }

    /// Counts the bins of each region.
    ///
    /// - Throws: `.stopped` when told to.
    package func histograms(
        of segmentation: Segmentation,
        _ extents: [RegionExtent],
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) -> RegionHistograms {
        let layout = RegionHistograms.Layout(channels: planes.channels)
        var counts = [UInt32](repeating: 0, count: segmentation.count * layout.stride)
        let rows = RowGroups(width: planes.width, height: planes.height)
        try rows.each(while: shouldContinue) { rows in
            unsafe kernel_count_bins(
                segmentation.labels,
                planes.values,
                textures,
                planes.area,
                planes.channels,
                rows.lowerBound * planes.width,
                rows.upperBound * planes.width,
                layout.texture,
                layout.stride,
                &counts
            )
        }
        guard shouldContinue() else { throw .stopped }
        // A derivative is counted in its own direction alone: in the opposite one it is 0, which is the first bin.
        for region in 0..<segmentation.count {
            for first in stride(from: layout.texture, to: layout.stride, by: 10) {
                let place = region * layout.stride + first
                let rest = counts[place + 1..<place + 10].reduce(0, +)
                counts[place] = UInt32(extents[region].size) - rest
            }
        }
        return RegionHistograms(layout: layout, counts: counts.map { Float($0) })
    }
}

/// How often each bin of colour and texture is seen in regions; those of regions that become one are added.
package struct RegionHistograms {
    /// Where a region's counts lie: a multiple of 16 for the colours of all channels, then one for the textures.
    struct Layout {
        let channels: Int
        /// Where the textures begin.
        let texture: Int
        /// From one region to the next.
        let stride: Int

        init(channels: Int) {
            self.channels = channels
            texture = (25 * channels + 15) / 16 * 16
            stride = texture + 80 * channels
        }
    }

    let layout: Layout
    /// Whole numbers.
    private(set) var counts: [Float]

    init(layout: Layout, counts: [Float]) { (self.layout, self.counts) = (layout, counts) }

    /// Adds one region's counts to another's.
    mutating func add(_ region: Int, to other: Int) {
        let (from, to) = (region * layout.stride, other * layout.stride)
        unsafe counts.withUnsafeMutableBufferPointer { counts in
            for bin in 0..<layout.stride { unsafe counts[to + bin] += unsafe counts[from + bin] }
        }
    }

    /// What the normalised histograms of colours of two regions have in common, from 0 to 1.
    ///
    /// - Source: Uijlings et al. 2013, Equation 2.
    package func commonColors(_ a: (region: Int, size: Int), _ b: (region: Int, size: Int)) -> Float {
        overlap(a, b, 0..<layout.texture, bins: layout.channels)
    }

    /// What the normalised histograms of textures of two regions have in common, from 0 to 1.
    ///
    /// - Source: Uijlings et al. 2013, Equation 4.
    package func commonTextures(_ a: (region: Int, size: Int), _ b: (region: Int, size: Int)) -> Float {
        overlap(a, b, layout.texture..<layout.stride, bins: 8 * layout.channels)
    }

    /// The overlap of a part of the counts, to which each pixel adds `bins`.
    private func overlap(
        _ a: (region: Int, size: Int),
        _ b: (region: Int, size: Int),
        _ part: Range<Int>,
        bins: Int
    ) -> Float {
        unsafe counts.withUnsafeBufferPointer { counts in
            guard let counts = counts.baseAddress else { return 0 }
            return unsafe kernel_histogram_overlap(
                counts + a.region * layout.stride + part.lowerBound,
                1 / Float(a.size * bins),
                counts + b.region * layout.stride + part.lowerBound,
                1 / Float(b.size * bins),
                part.count
            )
        }
    }
}
