import Engine

extension Reference {
    static func pool(_ op: Pool, _ x: Array) throws -> Array {
        let w = op.window
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        for c in 0..<y.shape[0] {
            for i in 0..<y.shape[1] {
                for j in 0..<y.shape[2] {
                    var inside: [Double] = []
                    var padded = 0
                    for a in 0..<w.kernel.height {
                        for b in 0..<w.kernel.width {
                            let row = i * w.strides.height - w.pads.top + a * w.dilations.height
                            let column = j * w.strides.width - w.pads.left + b * w.dilations.width
                            if let pixel = x.pixel(c, row, column) { inside.append(pixel) }
                            if row < x.shape[1] + w.pads.bottom, column < x.shape[2] + w.pads.right {
                                padded += 1
                            }
                        }
                    }
                    y[c, i, j] = summary(op.kind, inside, padded: padded)
                }
            }
        }
        return y
    }

    private static func summary(_ kind: Pool.Kind, _ inside: [Double], padded: Int) -> Double {
        switch kind {
        case .max: inside.max() ?? -.infinity
        case .average: inside.reduce(0, +) / Double(padded)
        case .averageInside: inside.reduce(0, +) / Double(inside.count)
        }
    }

    static func adaptiveAveragePool(_ op: AdaptiveAveragePool, _ x: Array) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        func cell(_ index: Int, of cells: Int, _ size: Int) -> Range<Int> {
            let lower = (Double(index) * Double(size) / Double(cells)).rounded(.down)
            let upper = (Double(index + 1) * Double(size) / Double(cells)).rounded(.up)
            return Int(lower)..<Int(upper)
        }
        for c in 0..<y.shape[0] {
            for i in 0..<op.height {
                for j in 0..<op.width {
                    let rows = cell(i, of: op.height, x.shape[1])
                    let columns = cell(j, of: op.width, x.shape[2])
                    let values = rows.flatMap { row in columns.map { x[c, row, $0] } }
                    y[c, i, j] = values.reduce(0, +) / Double(values.count)
                }
            }
        }
        return y
    }
}
