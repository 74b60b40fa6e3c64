internal import Platform
internal import Support

/// The boxes that a single-shot detector's offsets are from: an output of the network, or computed.
///
/// - Source: Liu et al., "SSD: single shot multibox detector", ECCV 2016, §2.2; the order within a cell is that of Caffe's
///   `PriorBox` layer: the smallest side, the square between it and the largest, then each aspect ratio and its inverse.
package enum PriorBoxes: Sendable, Equatable {
    /// Centre and size of each, in parts of the input's width and height; variances behind them are not looked at.
    case output(String)
    case grids([Grid], clips: Bool)

    /// The cells of one feature map, with several boxes around the centre of each.
    package struct Grid: Sendable, Equatable {
        /// Rows and columns; nil for as many as steps fit into the input, a part counted as one.
        package let size: (height: Int, width: Int)?
        /// Pixels from one cell to the next; nil for an even part of the input.
        package let step: Double?
        /// Sides of the squares, in pixels of the input.
        package let minSizes: [Double]
        /// With each of them the geometric mean makes another square; empty for none.
        package let maxSizes: [Double]
        /// Beside 1; each also turned.
        package let aspectRatios: [Double]

        package static func == (one: Grid, other: Grid) -> Bool {
            (one.size?.height, one.size?.width, one.step) == (
                other.size?.height, other.size?.width, other.step
            )
                && (one.minSizes, one.maxSizes, one.aspectRatios)
                    == (other.minSizes, other.maxSizes, other.aspectRatios)
        }
    }

    private static let keys = ["grids", "clip"]
    private static let gridKeys = ["size", "step", "min_sizes", "max_sizes", "aspect_ratios"]
    /// What all grids may have together.
    private static let mostBoxes = 1 << 20

    /// Reads the `priors` of a manifest's `boxes`.
    init(_ reader: JSONReader) throws(FormatError) {
        if case .string(let name) = reader.value {
            self = .output(name)
            return
        }
        let fields = try reader.object(Self.keys)
        var grids: [Grid] = []
        for element in try fields.required("grids").array() { grids.append(try Self.grid(element)) }
        guard 1...32 ~= grids.count else {
            throw reader.fault("expected 1 to 32 grids, found \(grids.count)")
        }
        self = .grids(grids, clips: try fields.optional("clip")?.bool() ?? false)
    }

    private static func grid(_ reader: JSONReader) throws(FormatError) -> Grid {
        let fields = try reader.object(gridKeys)
        func numbers(_ key: String) throws(FormatError) -> [Double]? {
            guard let list = fields.optional(key) else { return nil }
            return try ManifestPreprocessing.requirePositive(list, list.numbers())
        }
        let minSizes = try numbers("min_sizes")
        guard let minSizes, 1...64 ~= minSizes.count else {
            throw reader.fault("expected 1 to 64 'min_sizes', found \(minSizes?.count ?? 0)")
        }
        let maxSizes = try numbers("max_sizes") ?? []
        guard maxSizes.isEmpty || maxSizes.count == minSizes.count else {
            throw reader.fault("expected a 'max_sizes' for each of 'min_sizes', found \(maxSizes.count)")
        }
        let ratios = try numbers("aspect_ratios") ?? []
        guard ratios.count <= 64 else { throw reader.fault("expected at most 64 'aspect_ratios'") }
        var size: (Int, Int)?
        if let pair = fields.optional("size") {
            let sides = try pair.array()
            guard sides.count == 2 else { throw pair.fault("expected [height, width]") }
            size = (try sides[0].integer(in: 1...4096), try sides[1].integer(in: 1...4096))
        }
        let step = try fields.optional("step")?.number()
        guard 1...16_384 ~= step ?? 1, size != nil || step != nil else {
            throw reader.fault("expected a 'size', or a 'step' from 1 to 16384 pixels")
        }
        return Grid(size: size, step: step, minSizes: minSizes, maxSizes: maxSizes, aspectRatios: ratios)
    }

    /// The boxes of the grids for an input of some size; nil where they are an output, or too many.
    ///
    /// - Shape: boxes × 4: the centre's x and y, width, height, in parts of the input.
    package func computed(height: Int, width: Int) -> [Double]? {
        guard case .grids(let grids, let clips) = self else { return nil }
        var boxes: [Double] = []
        for grid in grids {
            let rows = grid.size?.height ?? Int((Double(height) / (grid.step ?? 1)).rounded(.up))
            let columns = grid.size?.width ?? Int((Double(width) / (grid.step ?? 1)).rounded(.up))
            let shapes = grid.shapes
            guard boxes.count / 4 + rows * columns * shapes.count <= Self.mostBoxes else { return nil }
            let down = (grid.step ?? Double(height) / Double(rows)) / Double(height)
            let across = (grid.step ?? Double(width) / Double(columns)) / Double(width)
            for row in 0..<rows {
                for column in 0..<columns {
                    for shape in shapes {
                        boxes += [
                            (Double(column) + 0.5) * across, (Double(row) + 0.5) * down,
                            shape.width / Double(width), shape.height / Double(height),
                        ]
                    }
                }
            }
        }
        return clips ? boxes.map { min(max($0, 0), 1) } : boxes
    }
}

extension PriorBoxes.Grid {
    /// The sizes of a cell's boxes, in pixels.
    fileprivate var shapes: [(width: Double, height: Double)] {
        minSizes.indices.flatMap { index -> [(width: Double, height: Double)] in
            let least = minSizes[index]
            var shapes = [(least, least)]
            if index < maxSizes.count {
                let between = (least * maxSizes[index]).squareRoot()
                shapes.append((between, between))
            }
            for ratio in aspectRatios where abs(ratio - 1) > 1e-6 {
                let root = ratio.squareRoot()
                shapes.append((least * root, least / root))
                shapes.append((least / root, least * root))
            }
            return shapes.map { (width: $0.0, height: $0.1) }
        }
    }
}
