internal import CKernels

/// The graph of an image's pixels, each joined to its eight neighbours by edges that weigh the difference of their colours.
///
/// Edges are sorted once, by weight and then by their place, and serve segmentations at any scale. Weights are whole numbers
/// of sixty-fourths of a colour's level, so that every processor sorts alike.
///
/// - Source: Felzenszwalb and Huttenlocher 2004, §4 (8 neighbours, smoothed by a Gaussian of σ = 0.8).
package struct PixelGraph {
    /// What a weight of 1 is, of a colour's levels.
    package static let levels = 64
    /// The most pixels of an image, for an edge has its direction beside its pixel in 32 bits.
    static let maxPixels = 1 << 28
    /// The weights there may be, with the one of no edge.
    private static let weights = 1 << 16
    /// Edges that are gone over in about a millisecond.
    private static let edgesAtATime = 1 << 16

    private let width: Int
    private let height: Int
    private let edges: [UInt32]
    /// Where the edges of each weight end.
    private let ends: [UInt32]
    private let edgeCount: Int

    /// The most bytes that one holds for each pixel: its edges, and what finding them or regions takes.
    static let bytesPerPixel = 16 + max(6 + 8, 4 + 8 + 16 + 4 + 4)

    /// - Throws: `.stopped` when told to.
    package init(
        _ planes: ColorPlanes,
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) {
        let (width, height, area) = (planes.width, planes.height, planes.area)
        precondition(area <= Self.maxPixels, "a graph of \(area) pixels")
        (self.width, self.height) = (width, height)
        let rows = RowGroups(width: width, height: height)
        var smooth = [UInt16](repeating: 0, count: planes.channels * area)
        var scratch = [UInt16](repeating: 0, count: width + 8)
        try rows.each(while: shouldContinue) { rows in
            unsafe kernel_smooth(
                planes.values,
                planes.channels,
                width,
                height,
                rows.lowerBound,
                rows.upperBound,
                &scratch,
                &smooth
            )
        }
        var weights = [UInt16](repeating: 0, count: 4 * area)
        var starts = [UInt32](repeating: 0, count: Self.weights)
        try rows.each(while: shouldContinue) { rows in
            unsafe kernel_edge_weights(
                smooth,
                planes.channels,
                width,
                height,
                rows.lowerBound,
                rows.upperBound,
                &weights
            )
        }
        unsafe kernel_count_weights(weights, weights.count, &starts)
        var sum: UInt32 = 0
        for weight in starts.indices { (starts[weight], sum) = (sum, sum + starts[weight]) }
        edgeCount = Int(starts[kernel_no_edge])
        var edges = [UInt32](repeating: 0, count: 4 * area)
        try rows.each(while: shouldContinue) { rows in
            unsafe kernel_sort_edges(weights, width, rows.lowerBound, rows.upperBound, &starts, &edges)
        }
        self.edges = edges
        ends = starts // each weight's next edge is now where the last one ended
    }

    /// Cuts the image into regions.
    ///
    /// Two components become one when the edge between them is no heavier than the heaviest within either, plus `scale` over
    /// its size; afterwards those of fewer than `leastSize` pixels join a neighbour, over the lightest edges first.
    ///
    /// - Parameters:
    ///   - scale: the paper's k, in levels of a colour: larger gives larger regions.
    ///   - leastSize: in pixels.
    ///   - shouldContinue: asked for every few thousand edges.
    /// - Returns: the regions, none smaller than `leastSize` unless the image is.
    /// - Throws: `.stopped` when told to.
    /// - Source: Felzenszwalb and Huttenlocher 2004, §3 and Algorithm 1.
    package func regions(
        scale: Int,
        leastSize: Int,
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) -> Segmentation {
        let area = width * height
        let unit = Int32(scale * Self.levels)
        var parents = (0..<UInt32(area)).map { $0 }
        var components = [kernel_component](repeating: kernel_component(size: 1, limit: unit), count: area)
        var between = [UInt32](repeating: 0, count: edgeCount)
        var joining = kernel_joining(between: 0, weight: 0)
        try WorkGroups.each(of: edgeCount, Self.edgesAtATime, while: shouldContinue) { part in
            unsafe kernel_join(
                edges,
                ends,
                width,
                unit,
                part.lowerBound,
                part.upperBound,
                &parents,
                &components,
                &between,
                &joining
            )
        }
        between.removeSubrange(joining.between...)
        try WorkGroups.each(of: between.count, Self.edgesAtATime, while: shouldContinue) { part in
            _ = unsafe kernel_join_small(
                between,
                width,
                UInt32(leastSize),
                part.lowerBound,
                part.upperBound,
                &parents,
                &components
            )
        }
        var numbers = [UInt32](repeating: .max, count: area)
        var labels = [UInt32](repeating: 0, count: area)
        var count = 0
        try WorkGroups.each(of: area, Self.edgesAtATime, while: shouldContinue) { part in
            count = unsafe kernel_label(&parents, part.lowerBound, part.upperBound, count, &numbers, &labels)
        }
        return Segmentation(width: width, height: height, count: count, labels: labels, between: between)
    }
}
