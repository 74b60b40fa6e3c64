internal import Engine

/// Images of another size.
enum ResizeNodes {
    static let lowerings: [String: Node.Lowering] = ["Resize": resize, "Upsample": upsample]

    private static let upsample: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let given = try node.floats("scales")
        let scales = if let given { given } else { try node.constant(1, "scales").floats }
        let axes = x.dimensions.indices.map { axis in
            Resampling(extent: x.dimensions[axis], scale: axis < scales.count ? Double(scales[axis]) : 1)
        }
        guard scales.count == axes.count else { throw .invalid("scales \(scales) of \(x.dimensions)") }
        var rule = Resampling.Rule()
        rule.coordinates = "asymmetric"
        rule.nearest = "floor"
        return [try applied(node.string("mode", "nearest"), rule, axes, x, node.builder)]
    }

    private static let resize: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let rank = x.dimensions.count
        var rule = Resampling.Rule()
        let isFirst = node.opset < 11
        rule.coordinates =
            isFirst ? "asymmetric" : try node.string("coordinate_transformation_mode", "half_pixel")
        rule.nearest = isFirst ? "floor" : try node.string("nearest_mode", "round_prefer_floor")
        rule.cubic = Double(try node.float("cubic_coeff_a", -0.75))
        rule.excludesOutside = try node.flag("exclude_outside")
        rule.antialiases = try node.flag("antialias")
        rule.extrapolation = try node.float("extrapolation_value", 0)
        let axes = try node.axes(node.integers("axes") ?? Array(0..<rank), rank: rank)
        func list(_ index: Int, _ what: String) throws(NodeFault) -> [Float]? {
            guard !isFirst || index == 2, node.optional(isFirst ? 1 : index) != nil else { return nil }
            let values = try node.constant(isFirst ? 1 : index, what).floats
            return values.isEmpty ? nil : values
        }
        let region = rule.coordinates == "tf_crop_and_resize" ? try list(1, "roi") : nil
        var scales = try list(2, "scales")?.map { Double($0) }
        var sizes: [Int]?
        if scales == nil, node.optional(3) != nil {
            sizes = try node.constant(3, "sizes").integers.map { Int($0) }
            guard sizes?.allSatisfy({ 0 < $0 && $0 < 1 << 24 }) ?? true else {
                throw .unsupported("sizes \(sizes ?? [])")
            }
        }
        if let wanted = sizes, wanted.count == axes.count {
            let policy = try node.string("keep_aspect_ratio_policy", "stretch")
            let ratios = zip(wanted, axes).map { Double($0) / Double(x.dimensions[$1]) }
            if policy != "stretch" {
                let ratio = (policy == "not_larger" ? ratios.min() : ratios.max()) ?? 1
                scales = axes.map { _ in ratio }
                sizes = axes.map { Int((ratio * Double(x.dimensions[$0])).rounded()) }
            } else {
                scales = ratios
            }
        }
        guard let scales, scales.count == axes.count,
            scales.allSatisfy({ $0 > 1e-6 && $0 < 1e6 }), (sizes ?? []).allSatisfy({ 0 < $0 && $0 < 1 << 24 })
        else { throw .invalid("neither scales nor sizes of \(axes.count) axes") }
        var resampled = x.dimensions.map { Resampling(extent: $0, scale: 1) }
        for (index, axis) in axes.enumerated() {
            var one = Resampling(extent: x.dimensions[axis], scale: scales[index])
            if let region {
                guard region.count == 2 * axes.count, region.allSatisfy({ abs($0) < 1e6 }) else {
                    throw .invalid("a region of \(region.count)")
                }
                one.region = (Double(region[index]), Double(region[index + axes.count]))
                let part = one.region.end - one.region.start
                one.size = max(1, Int((Double(one.extent) * part * one.scale).rounded(.down)))
            }
            if let sizes { one.size = sizes[index] }
            resampled[axis] = one
        }
        return [try applied(node.string("mode", "nearest"), rule, resampled, x, node.builder)]
    }

    private static func applied(
        _ mode: String,
        _ rule: Resampling.Rule,
        _ axes: [Resampling],
        _ x: Known,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        guard rule.isKnown, ["nearest", "linear", "bilinear", "cubic"].contains(mode) else {
            throw .unsupported("mode '\(mode)' by '\(rule.coordinates)', '\(rule.nearest)'")
        }
        let sizes = axes.map(\.size)
        guard sizes.allSatisfy({ $0 > 0 }), sizes.count(upTo: builder.mostNumbers) != nil else {
            throw .unsupported("an image of \(sizes)")
        }
        if let quick = try resized(mode, rule, axes, x, builder) { return quick }
        if mode == "nearest" {
            let tables = zip(axes, x.dimensions.tables).map { axis, table in
                axis.isIdle(rule)
                    ? table
                    : (0..<axis.size).map {
                        axis.nearest($0, rule).map { table[$0] } ?? Rearrangement.outside
                    }
            }
            let moved = Rearrangement(tables: tables, fill: rule.extrapolation)
            return try builder.rearranged(x, moved, "nearest neighbours")
        }
        var result = x
        for (axis, resampling) in axes.enumerated() where !resampling.isIdle(rule) {
            let taps = (0..<resampling.size).map { resampling.taps($0, isCubic: mode == "cubic", rule) }
            let width = taps.map(\.count).max() ?? 1
            let flat = taps.flatMap { row in
                row + [(place: Int, weight: Double)](repeating: (0, 0), count: width - row.count)
            }
            var dimensions = result.dimensions
            let extents = Extents(dimensions, axes: axis..<axis + 1)
            dimensions[axis] = resampling.size
            result = try builder.general([result], dimensions: [dimensions], types: [x.type]) {
                Resample(
                    $0.sources[0],
                    extents,
                    taps: flat.map { Int32($0.place) },
                    weights: flat.map { Float($0.weight) },
                    width: width,
                    shape: $1[0]
                )
            }[0]
        }
        return try masked(result, axes, rule, builder)
    }

    /// An image at another size as the engine's own operation; nil where it is none, or has places outside of it.
    private static func resized(
        _ mode: String,
        _ rule: Resampling.Rule,
        _ axes: [Resampling],
        _ x: Known,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known? {
        guard case .value(let value) = x, builder.isImage(value), axes[0].isIdle(rule), axes[1].isIdle(rule)
        else {
            return nil
        }
        var sides: [ResizeImage.Axis] = []
        for axis in axes[2...] {
            var taps: [[(place: Int, weight: Double)]] = []
            for index in 0..<axis.size {
                guard axis.isInside(index, rule) else { return nil }
                if axis.isIdle(rule) {
                    taps.append([(index, 1)])
                } else if mode == "nearest" {
                    taps.append([(axis.nearest(index, rule) ?? 0, 1)])
                } else {
                    taps.append(axis.taps(index, isCubic: mode == "cubic", rule))
                }
            }
            guard taps.contains(where: { !$0.isEmpty }) else { return nil }
            sides.append(ResizeImage.Axis(extent: axis.extent, taps: taps))
        }
        let result = try builder.append(ResizeImage(rows: sides[0], columns: sides[1]), [value.value], [])[0]
        return .value(RunValue(value: result, dimensions: axes.map(\.size), type: x.type))
    }

    /// With the extrapolation's number where a place is outside of the image.
    private static func masked(
        _ x: Known,
        _ axes: [Resampling],
        _ rule: Resampling.Rule,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        var result = x
        for (axis, resampling) in axes.enumerated() {
            let inside = (0..<resampling.size).map { resampling.isInside($0, rule) ? Int64(1) : 0 }
            guard inside.contains(0) else { continue }
            var shape = axes.map { _ in 1 }
            shape[axis] = inside.count
            let mask = Known.constant(Constant(shape, .bool, integers: inside))
            let fill = Known.constant(Constant(rule.extrapolation, .float))
            result = try builder.elementwise(.where, [mask, result, fill], type: x.type)
        }
        return result
    }
}

/// One axis of an image and what becomes of it.
struct Resampling {
    /// How places are found, and what is there.
    struct Rule {
        var coordinates = "half_pixel"
        var nearest = "round_prefer_floor"
        var cubic = -0.75
        var excludesOutside = false
        var antialiases = false
        var extrapolation: Float = 0

        var isKnown: Bool {
            [
                "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                "tf_crop_and_resize", "tf_half_pixel_for_nn",
            ].contains(coordinates)
                && ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].contains(nearest)
        }
    }

    let extent: Int
    let scale: Double
    var size: Int
    var region = (start: 0.0, end: 1.0)

    init(extent: Int, scale: Double) {
        self.extent = extent
        self.scale = scale
        let wanted = (Double(extent) * scale).rounded(.down)
        size = wanted >= 0 && wanted < 0x1p24 ? Int(wanted) : 0
    }

    /// Whether everything stays where it is.
    func isIdle(_ rule: Rule) -> Bool {
        scale == 1 && size == extent && (rule.coordinates != "tf_crop_and_resize" || region == (0, 1))
    }

    /// Where a result lies between the numbers that there are.
    private func place(_ index: Int, _ rule: Rule) -> Double {
        let (x, last) = (Double(index), Double(extent - 1))
        switch rule.coordinates {
        case "align_corners":
            let full = Double(extent) * scale
            return size == 1 ? 0 : x * last / (full - 1)
        case "asymmetric": return x / scale
        case "tf_crop_and_resize":
            let part = region.end - region.start
            let step = size == 1 ? part * last / 2 : x * part * last / Double(size - 1)
            return region.start * last + step
        case "pytorch_half_pixel": return size == 1 ? 0 : (x + 0.5) / scale - 0.5
        case "half_pixel_symmetric":
            let adjustment = Double(size) / (scale * Double(extent))
            let offset = Double(extent) / 2 * (1 - adjustment)
            return offset + (x + 0.5) / scale - 0.5
        case "tf_half_pixel_for_nn": return (x + 0.5) / scale
        default: return (x + 0.5) / scale - 0.5
        }
    }

    func isInside(_ index: Int, _ rule: Rule) -> Bool {
        guard rule.coordinates == "tf_crop_and_resize" else { return true }
        return (0...Double(extent - 1)).contains(place(index, rule))
    }

    /// The nearest number; nil where it is outside of the image.
    func nearest(_ index: Int, _ rule: Rule) -> Int? {
        guard isInside(index, rule) else { return nil }
        let x = place(index, rule)
        let found: Double
        switch rule.nearest {
        case "floor": found = x.rounded(.down)
        case "ceil": found = x.rounded(.up)
        case "round_prefer_ceil": found = (x + 0.5).rounded(.down)
        default: found = (x - 0.5).rounded(.up)
        }
        return clamped(found)
    }

    private func clamped(_ place: Double) -> Int { Int(min(max(place, 0), Double(extent - 1))) }

    /// The numbers that a result is made of.
    func taps(_ index: Int, isCubic: Bool, _ rule: Rule) -> [(place: Int, weight: Double)] {
        let x = place(index, rule)
        let floor = x.rounded(.down)
        let stretch = rule.antialiases ? min(scale, 1) : 1
        let reach = min(((isCubic ? 2 : 1) / stretch).rounded(.up), Double(extent) + 4)
        var taps: [(place: Double, weight: Double)] = []
        for offset in stride(from: -reach, through: reach + 1, by: 1) {
            let distance = abs(floor + offset - x) * stretch
            let weight = isCubic ? Self.cubic(distance, rule.cubic) : max(0, 1 - distance)
            if weight != 0 { taps.append((floor + offset, weight)) }
        }
        if rule.excludesOutside { taps.removeAll { $0.place < 0 || $0.place > Double(extent - 1) } }
        let sum = taps.reduce(0) { $0 + $1.weight }
        let divisor = (rule.excludesOutside || rule.antialiases) && sum != 0 ? sum : 1
        return taps.map { (clamped($0.place), $0.weight / divisor) }
    }

    /// - Source: Keys 1981, equation (4), with a free constant.
    private static func cubic(_ x: Double, _ a: Double) -> Double {
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
}
