package import Graphs
package import Tensors

/// Numbers found, or put, at places that another operand says: places outside are moved to the nearest.
///
/// - Shape: depends on the kind, see there.
/// - Source: ONNX's `Gather`, `GatherElements`, `GatherND`, `ScatterElements` and `ScatterND`.
package struct Lookup: GeneralOp {
    package enum Kind: Hashable, Sendable {
        /// outer × count × inner by indices → outer × indices × inner.
        case gather
        /// As many as the indices; all axes but the one are walked along by both.
        case gatherElements(axis: Int, source: [Int], indices: [Int])
        /// Rows of coordinates, each of `width`, into the extents `source`, give blocks of `block`; for each of `batch`.
        case gatherCoordinates(source: [Int], batch: Int, block: Int)
        /// The first operand with the third one's numbers at the second one's places.
        case scatterElements(axis: Int, source: [Int], indices: [Int], Merge)
        case scatterCoordinates(source: [Int], block: Int, Merge)
    }

    /// What becomes of a number and one that is put where it is.
    package enum Merge: String, Sendable {
        case none, add, mul, max, min

        func callAsFunction(_ old: Float, _ new: Float) -> Float {
            switch self {
            case .none: new
            case .add: old + new
            case .mul: old * new
            case .max: Swift.max(old, new)
            case .min: Swift.min(old, new)
            }
        }
    }

    package let operands: Operands
    private let kind: Kind
    private let extents: Extents
    /// How many indices there are.
    private let count: Int
    private let shape: Shape

    package init(_ kind: Kind, _ operands: Operands, _ extents: Extents, indices count: Int, shape: Shape) {
        self.kind = kind
        self.operands = operands
        self.extents = extents
        self.count = count
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String {
        switch kind {
        case .gather: "gather of \(extents.count)"
        case .gatherElements: "gather elements"
        case .gatherCoordinates: "gather at coordinates"
        case .scatterElements: "scatter elements"
        case .scatterCoordinates: "scatter at coordinates"
        }
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let source = unsafe operands.operand(0, item: task.index, of: call)
        let indices = unsafe operands.operand(1, item: task.index, of: call)
        let target = unsafe call.output(item: task.index)
        switch kind {
        case .gather: unsafe gather(source, indices, target)
        case .gatherElements(let axis, let extents, let walked):
            for number in 0..<count {
                let place = unsafe place(number, indices[number], axis, extents, walked)
                unsafe target[number] = source[place]
            }
        case .gatherCoordinates(let extents, let batch, let block):
            let perBatch = extents.reduce(1, *) * block
            for number in 0..<count {
                let row = unsafe indices + number * extents.count
                let start = unsafe number / (count / batch) * perBatch + coordinates(row, extents) * block
                unsafe (target + number * block).update(from: source + start, count: block)
            }
        case .scatterElements(let axis, let extents, let walked, let merge):
            let updates = unsafe operands.operand(2, item: task.index, of: call)
            unsafe target.update(from: source, count: shape.elementCount)
            for number in 0..<count {
                let place = unsafe place(number, indices[number], axis, extents, walked)
                unsafe target[place] = merge(target[place], updates[number])
            }
        case .scatterCoordinates(let extents, let block, let merge):
            let updates = unsafe operands.operand(2, item: task.index, of: call)
            unsafe target.update(from: source, count: shape.elementCount)
            for number in 0..<count {
                let start = unsafe coordinates(indices + number * extents.count, extents) * block
                for index in 0..<block {
                    let place = start + index
                    unsafe target[place] = merge(target[place], updates[number * block + index])
                }
            }
        }
    }

    private func gather(
        _ source: UnsafePointer<Float>,
        _ indices: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let inner = extents.inner
        for outer in 0..<extents.outer {
            for number in 0..<count {
                let index = unsafe Self.index(indices[number], extents.count)
                unsafe (target + (outer * count + number) * inner).update(
                    from: source + (outer * extents.count + index) * inner,
                    count: inner
                )
            }
        }
    }

    /// An index that may count from the end, or be anything at all, as one within the axis.
    private static func index(_ value: Float, _ count: Int) -> Int {
        guard value == value else { return 0 }
        let whole = value < 0 ? value + Float(count) : value
        return whole <= 0 ? 0 : whole >= Float(count - 1) ? count - 1 : Int(whole)
    }

    /// The place in extents of an element that walks along another array.
    private func place(_ number: Int, _ value: Float, _ axis: Int, _ extents: [Int], _ walked: [Int]) -> Int {
        var (rest, place, step) = (number, 0, 1)
        for dimension in extents.indices.reversed() {
            let index = rest % walked[dimension]
            rest /= walked[dimension]
            place += (dimension == axis ? Self.index(value, extents[dimension]) : index) * step
            step *= extents[dimension]
        }
        return place
    }

    private func coordinates(_ row: UnsafePointer<Float>, _ extents: [Int]) -> Int {
        var place = 0
        for axis in extents.indices {
            place = unsafe place * extents[axis] + Self.index(row[axis], extents[axis])
        }
        return place
    }
}
