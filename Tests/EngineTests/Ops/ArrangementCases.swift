import Engine
import Testing

extension OpCases {
    /// Operations that move channels or pixels of images, or mix neighbours, before and behind a convolution.
    static let arrangements: [OpCase] = {
        let images: [Shape] = [[1, 1, 1], [7, 5, 9], [16, 14, 15], [33, 8, 7]]
        return images.flatMap { (shape: Shape) in
            [false, true].flatMap { (isBlocked: Bool) in
                (resizes(shape) + choices(shape) + functions(shape)).map { row in
                    isBlocked
                        ? behindConvolution(
                            row.op,
                            on: shape,
                            count: row.op is Elementwise ? 2 : 1,
                            row.expected
                        )
                        : row.op is Elementwise ? twice(row) : row
                }
            }
        } + cells
    }()

    private static func twice(_ row: OpCase) -> OpCase {
        var row = row
        row.prelude = { _ in [.input, .input] }
        return row
    }

    private static func resizes(_ shape: Shape) -> [OpCase] {
        typealias Taps = [[(place: Int, weight: Double)]]
        func nearest(_ extent: Int) -> Taps { (0..<2 * extent).map { [($0 / 2, 1)] } }
        func linear(_ extent: Int) -> Taps {
            (0..<3 * extent).map { [($0 / 3, 0.75), (min($0 / 3 + 1, extent - 1), 0.25)] }
        }
        func every(_ extent: Int) -> Taps { (0..<(extent + 1) / 2).map { [(2 * $0, 1)] } }
        let pairs: [(Taps, Taps)] = [
            (nearest(shape[1]), nearest(shape[2])), (linear(shape[1]), linear(shape[2])),
            (every(shape[1]), linear(shape[2])), (linear(shape[1]), nearest(shape[2])),
        ]
        return pairs.map { rows, columns in
            let op = ResizeImage(
                rows: .init(extent: shape[1], taps: rows),
                columns: .init(extent: shape[2], taps: columns)
            )
            return OpCase(op, on: shape) { inputs, _ in
                var y = Reference.Array(zeros: [shape[0], rows.count, columns.count])
                for c in 0..<shape[0] {
                    for i in rows.indices {
                        for j in columns.indices {
                            for (row, first) in rows[i] {
                                for (column, second) in columns[j] {
                                    y[c, i, j] += first * second * inputs[0][c, row, column]
                                }
                            }
                        }
                    }
                }
                return y
            }
        }
    }

    private static func choices(_ shape: Shape) -> [OpCase] {
        let count = shape[0]
        return [
            Array((0..<count).reversed()), Array(count / 2..<count), (0..<3 * count).map { $0 * 5 % count },
        ].map {
            let op = SelectChannels($0)
            return OpCase(op, on: shape) { inputs, _ in try Reference.selectChannels(op, inputs[0]) }
        }
    }

    /// A function without constants, one with a constant that is a single number, and one that does not keep zeros.
    private static func functions(_ shape: Shape) -> [OpCase] {
        let dimensions = [1] + shape.dimensions
        func pair(_ function: Function, _ value: @escaping @Sendable (Double, Double) -> Double) -> OpCase {
            let operands = Operands([.value(count: shape.elementCount), .value(count: shape.elementCount)])
            let op = Elementwise(
                function,
                operands,
                dimensions: [dimensions, dimensions],
                broadcast: dimensions,
                shape: shape
            )
            return OpCase(op, on: shape) { inputs, _ in
                Reference.Array(shape, zip(inputs[0].values, inputs[1].values).map(value))
            }
        }
        return [pair(.multiply) { $0 * $1 }, pair(.subtract) { $0 - $1 }, pair(.equal) { $0 == $1 ? 1 : 0 }]
    }

    /// Channels that become pixels.
    private static let cells: [OpCase] = {
        // swift-format-ignore
        let rows: [(cell: Extent, channels: Int, Int, Int, Int, Int)] = [
            // cell  c    h  w   height  width
            (     2,  1,  1, 1,       2,     2),
            (     2, 24,  5, 3,      10,     6),
            (     2, 16,  5, 3,       9,     5),
            ([1, 3], 33,  4, 5,       4,    14),
            ([4, 2],  5,  3, 7,      12,    14),
        ]
        return rows.flatMap { cell, channels, height, width, rows, columns in
            let op = DepthToSpace(cell: cell, channels: channels, height: rows, width: columns)
            let stride = DepthToSpace.stride(channels: channels)
            let shape: Shape = [cell.height * cell.width * stride, height, width]
            let expected: OpCase.Expected = { inputs, _ in
                var y = Reference.Array(zeros: [channels, rows, columns])
                for c in 0..<channels {
                    for i in 0..<rows {
                        for j in 0..<columns {
                            let phase = i % cell.height * cell.width + j % cell.width
                            y[c, i, j] = inputs[0][phase * stride + c, i / cell.height, j / cell.width]
                        }
                    }
                }
                return y
            }
            return [OpCase(op, on: shape, expected), behindConvolution(op, on: shape, expected)]
        }
    }()
}
