package import Graphs
package import Tensors

/// Every number of the result is one of the operand, or a constant, and the place is a sum of one term for each axis of
/// the result: slices, transpositions, repetitions, padding, channel shuffles, nearest neighbours, joins by pieces.
///
/// - Shape: any → the lengths of the tables.
package struct Rearrangement: Hashable, Sendable {
    /// For each axis of the result, for each index, what it adds to the place; `outside` for the constant.
    package let tables: [[Int32]]
    package let fill: Float

    package static let outside: Int32 = -1

    package init(tables: [[Int32]], fill: Float = 0) {
        self.tables = tables
        self.fill = fill
    }

    /// The extents of the result.
    package var dimensions: [Int] { tables.map(\.count) }

    /// The same done to an array of anything.
    package func applied<Element>(to source: [Element], fill: Element) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(dimensions.reduce(1, *))
        let (outer, last) = (tables.dropLast(), tables.last ?? [0])
        var index = [Int](repeating: 0, count: outer.count)
        for _ in 0..<outer.reduce(1, { $0 * $1.count }) {
            var start = 0
            for axis in outer.indices where start >= 0 {
                let term = Int(outer[axis][index[axis]])
                start = term < 0 ? -1 : start + term
            }
            if start < 0 {
                result.append(contentsOf: repeatElement(fill, count: last.count))
            } else {
                for term in last { result.append(term < 0 ? fill : source[start + Int(term)]) }
            }
            for axis in outer.indices.reversed() {
                index[axis] += 1
                guard index[axis] == outer[axis].count else { break }
                index[axis] = 0
            }
        }
        return result
    }
}

/// A rearrangement as an operation.
package struct Rearrange: GeneralOp {
    package let rearrangement: Rearrangement
    package let operands: Operands
    private let kind: String
    private let shape: Shape

    /// - Parameters:
    ///   - rearrangement: whose places are within the operand.
    ///   - operand: what it reads.
    ///   - kind: what a table calls it.
    ///   - shape: of the result.
    package init(_ rearrangement: Rearrangement, _ operand: Operands.Source, kind: String, shape: Shape) {
        self.rearrangement = rearrangement
        operands = Operands([operand])
        self.kind = kind
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String { kind }
}

extension Rearrange {
    private var rows: Int { rearrangement.tables.dropLast().reduce(1) { $0 * $1.count } }

    private var rowChunks: Chunks { Chunks(rows, of: elementsPerTask / max(1, shape.elementCount / rows)) }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * rowChunks.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunks = rowChunks
        let (item, part) = task.index.quotientAndRemainder(dividingBy: chunks.count)
        let source = unsafe operands.operand(0, item: item, of: call)
        let output = unsafe call.output(item: item)
        guard let last = rearrangement.tables.last else { // a scalar
            unsafe output[0] = source[0]
            return
        }
        let isRun = last.indices.allSatisfy { last[$0] >= 0 && last[$0] == last[0] + Int32($0) }
        for row in chunks[part] {
            let target = unsafe output + row * last.count
            guard let start = start(ofRow: row) else {
                unsafe target.update(repeating: rearrangement.fill, count: last.count)
                continue
            }
            if isRun {
                unsafe target.update(from: source + start + Int(last[0]), count: last.count)
                continue
            }
            for index in 0..<last.count {
                let place = Int(last[index])
                unsafe target[index] = place < 0 ? rearrangement.fill : source[start + place]
            }
        }
    }

    /// What all axes but the last add to the places of a row; nil where it holds the constant.
    private func start(ofRow row: Int) -> Int? {
        var (rest, start) = (row, 0)
        for axis in (0..<(rearrangement.tables.count - 1)).reversed() {
            let count = rearrangement.tables[axis].count
            let term = rearrangement.tables[axis][rest % count]
            rest /= count
            guard term >= 0 else { return nil }
            start += Int(term)
        }
        return start
    }
}

/// Values joined along an axis.
///
/// - Shape: outer × countᵢ × inner … → outer × Σcountᵢ × inner.
package struct Join: GeneralOp {
    package let operands: Operands
    private let outer: Int
    private let counts: [Int]
    private let shape: Shape

    /// - Parameters:
    ///   - operands: what is joined.
    ///   - outer: how many pieces each has.
    ///   - counts: the numbers of a piece of each.
    ///   - shape: of the result.
    package init(_ operands: Operands, outer: Int, counts: [Int], shape: Shape) {
        self.operands = operands
        self.outer = outer
        self.counts = counts
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String { "join \(operands.count)" }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * operands.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, part) = task.index.quotientAndRemainder(dividingBy: operands.count)
        let source = unsafe operands.operand(part, item: item, of: call)
        let row = counts.reduce(0, +)
        let target = unsafe call.output(item: item) + counts[..<part].reduce(0, +)
        for piece in 0..<outer {
            unsafe (target + piece * row).update(from: source + piece * counts[part], count: counts[part])
        }
    }
}
