internal import Engine

extension LayoutNodes {
    /// Numbers around an array, or fewer of them.
    static let pad: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let rank = x.dimensions.count
        guard let pads = try node.integers(node.opset < 2 ? "paddings" : "pads", orInput: 1) else {
            throw .invalid("no pads are given")
        }
        var axes = Array(0..<rank)
        if let given = node.optional(3) {
            guard let constant = given.constant else { throw .unsupported("its axes depend on the data") }
            axes = try node.axes(constant.integers.map { Int($0) }, rank: rank)
        }
        guard pads.count == 2 * axes.count else { throw .invalid("\(pads.count) pads of \(axes.count) axes") }
        var fill = try node.float("value", 0)
        if let given = node.optional(2) {
            guard let number = given.constant?.single else {
                throw .unsupported("its constant depends on the data")
            }
            fill = number
        }
        let mode = try node.string("mode", "constant")
        var tables = x.dimensions.tables
        var (first, last) = (x.dimensions.map { _ in 0 }, x.dimensions.map { _ in 0 })
        for (index, axis) in axes.enumerated() {
            let (before, behind) = (pads[index], pads[index + axes.count])
            (first[axis], last[axis]) = (before, behind)
            tables[axis] = try padded(tables[axis], before, behind, mode, most: node.builder.mostNumbers)
        }
        let result = try node.builder.rearranged(x, Rearrangement(tables: tables, fill: fill), "pad")
        if mode == "constant", pads.contains(where: { $0 != 0 }) {
            node.builder.remember(.padded(x, before: first, behind: last, fill: fill), of: result)
        }
        return [result]
    }

    private static func padded(
        _ table: [Int32],
        _ before: Int,
        _ behind: Int,
        _ mode: String,
        most: Int
    ) throws(NodeFault) -> [Int32] {
        let count = table.count
        guard (-most...most).contains(before), (-most...most).contains(behind), count > 0 else {
            throw .unsupported("pads of \(before) and \(behind) of \(count)")
        }
        return try (-before..<max(-before, count + behind)).map { index throws(NodeFault) in
            if (0..<count).contains(index) { return table[index] }
            switch mode {
            case "constant": return Rearrangement.outside
            case "edge": return table[min(max(index, 0), count - 1)]
            case "wrap": return table[(index % count + count) % count]
            case "reflect":
                guard count > 1 else { return table[0] }
                let period = 2 * (count - 1)
                let place = (index % period + period) % period
                return table[place < count ? place : period - place]
            default: throw .unsupported("mode '\(mode)'")
            }
        }
    }

    /// An array cut to a size around its centre, or with zeros around it.
    static let centerCropPad: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let rank = x.dimensions.count
        let axes = try node.axes(node.integers("axes") ?? Array(0..<rank), rank: rank)
        let sizes = try node.constant(1, "shape").integers.map { Int($0) }
        guard sizes.count == axes.count, sizes.allSatisfy({ 0 <= $0 && $0 <= node.builder.mostNumbers })
        else {
            throw .invalid("sizes \(sizes) of axes \(axes)")
        }
        var tables = x.dimensions.tables
        for (axis, size) in zip(axes, sizes) {
            let extent = x.dimensions[axis]
            let start = size < extent ? (extent - size) / 2 : -((size - extent) / 2)
            let table = tables[axis]
            tables[axis] = (start..<start + size).map {
                (0..<extent).contains($0) ? table[$0] : Rearrangement.outside
            }
        }
        return [try node.builder.rearranged(x, Rearrangement(tables: tables), "centre crop")]
    }

    /// The upper or lower triangle of matrices, zeros elsewhere.
    static let triangle: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let dimensions = x.dimensions
        guard dimensions.count >= 2 else { throw .invalid("\(dimensions) is no matrix") }
        let isUpper = try node.flag("upper", true)
        let k = node.optional(1) == nil ? 0 : Int(try node.constant(1, "diagonal").integers.first ?? 0)
        let (rows, columns) = (dimensions[dimensions.count - 2], dimensions[dimensions.count - 1])
        guard node.builder.budget.take([rows, columns]) != nil else {
            throw .unsupported("too many constants")
        }
        let diagonal = min(max(k, -rows - columns), rows + columns)
        var mask: [Int64] = []
        for row in 0..<rows {
            for column in 0..<columns {
                let distance = column - row
                mask.append((isUpper ? distance >= diagonal : distance <= diagonal) ? 1 : 0)
            }
        }
        let kept = Known.constant(Constant([rows, columns], .bool, integers: mask))
        let zero = Known.constant(Constant(0, x.type))
        return [try node.builder.elementwise(.where, [kept, x, zero], type: x.type)]
    }

    /// Sequences with their first steps in the reverse order.
    static let reverse: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let (time, batch) = (try node.integer("time_axis") ?? 0, try node.integer("batch_axis") ?? 1)
        guard x.dimensions.count >= 2, Set([time, batch]) == [0, 1] else {
            throw .invalid("steps along axis \(time), sequences along axis \(batch)")
        }
        let lengths = try node.constant(1, "lengths").integers
        let (steps, sequences) = (x.dimensions[time], x.dimensions[batch])
        guard lengths.count == sequences else { throw .invalid("\(lengths.count) lengths of \(sequences)") }
        let inner = x.dimensions[2...].reduce(1, *)
        guard node.builder.budget.take([steps, sequences]) != nil else {
            throw .unsupported("too many constants")
        }
        let (rows, columns) = time == 0 ? (steps, sequences) : (sequences, steps)
        var table: [Int32] = []
        for row in 0..<rows {
            for column in 0..<columns {
                let (step, sequence) = time == 0 ? (row, column) : (column, row)
                let length = Int(min(max(lengths[sequence], 0), Int64(steps)))
                let source = step < length ? length - 1 - step : step
                let place = time == 0 ? source * columns + column : row * columns + source
                table.append(Int32(place * inner))
            }
        }
        let moved = Rearrangement(tables: [table, (0..<inner).map { Int32($0) }])
        return [try node.builder.reshaped(node.builder.rearranged(x, moved, "reverse"), to: x.dimensions)]
    }
}
