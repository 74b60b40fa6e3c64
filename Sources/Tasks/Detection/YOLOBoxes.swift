internal import Imaging
internal import Models
internal import Platform
internal import Support

/// The heads of YOLO: each anchor has one box, and the class that scores highest.
///
/// - Source: Jocher et al., Ultralytics YOLOv8, `ops.non_max_suppression`, whose exported graph has boxes in pixels and
///   probabilities; Ge et al., "YOLOX" (2021), `demo_postprocess` and `postprocess`: centres in cells of a grid, sizes as
///   powers, and a score that is the product of the object's and the class's.
extension BoxDecoder {
    static func yolo(
        _ numbers: ArraySlice<Float>,
        _ head: BoxHead,
        _ threshold: Double,
        _ context: RequestContext
    ) throws(ServingError) -> [BoxCandidate] {
        let table = AnchorTable(numbers, head)
        let hasObjectness = head.description.format == .yolox
        let cells = hasObjectness && !head.description.isDecoded ? GridCells(head).cells : nil
        let best = try table.best(from: hasObjectness ? 5 : 4, context)
        var candidates: [BoxCandidate] = []
        for anchor in 0..<head.anchors {
            if anchor % stretch == 0 { try context.check() }
            guard best.scores[anchor] > -.infinity else { continue }
            let score = hasObjectness ? table[anchor, 4] * best.scores[anchor] : best.scores[anchor]
            guard score.isFinite, Double(score) >= threshold else { continue }
            var (x, y) = (Double(table[anchor, 0]), Double(table[anchor, 1]))
            var (width, height) = (Double(table[anchor, 2]), Double(table[anchor, 3]))
            if let cell = cells?[anchor] {
                (x, y) = ((x + cell.column) * cell.stride, (y + cell.row) * cell.stride)
                (width, height) = (Exponential.of(width) * cell.stride, Exponential.of(height) * cell.stride)
            }
            let box = ImageBox(centerX: x, y: y, width: width, height: height)
            guard box.isProper else { continue }
            candidates.append(
                BoxCandidate(box, class: Int(best.classes[anchor]), score: score, anchor: anchor)
            )
        }
        return candidates
    }
}

/// The numbers of anchors, whichever way they lie.
private struct AnchorTable {
    private let numbers: ArraySlice<Float>
    private let anchors: Int
    private let classes: Int
    private let anchorStep: Int
    private let numberStep: Int

    init(_ numbers: ArraySlice<Float>, _ head: BoxHead) {
        self.numbers = numbers
        (anchors, classes) = (head.anchors, head.classes)
        let width = numbers.count / head.anchors
        (anchorStep, numberStep) = head.isAnchorMajor ? (width, 1) : (1, head.anchors)
    }

    subscript(anchor: Int, number: Int) -> Float {
        numbers[numbers.startIndex + anchor * anchorStep + number * numberStep]
    }

    /// The class of each anchor with the highest finite score, of equals the first; minus infinity where none is finite.
    ///
    /// Classes are gone over one after the other, as most networks have them in memory.
    func best(
        from first: Int,
        _ context: RequestContext
    ) throws(ServingError) -> (scores: [Float], classes: [Int32]) {
        var scores = [Float](repeating: -.infinity, count: anchors)
        var best = [Int32](repeating: 0, count: anchors)
        for index in 0..<classes {
            try context.check()
            var place = numbers.startIndex + (first + index) * numberStep
            for anchor in 0..<anchors {
                let score = numbers[place]
                place += anchorStep
                guard score > scores[anchor], score < .infinity else { continue }
                scores[anchor] = score
                best[anchor] = Int32(index)
            }
        }
        return (scores, best)
    }
}

/// The cells of YOLOX's grids: stride after stride, row after row.
private struct GridCells {
    let cells: [(column: Double, row: Double, stride: Double)]

    init(_ head: BoxHead) {
        cells = head.description.strides.flatMap { stride in
            (0..<head.height / stride).flatMap { row in
                (0..<head.width / stride).map { column in (Double(column), Double(row), Double(stride)) }
            }
        }
    }
}

extension ImageBox {
    init(centerX x: Double, y: Double, width: Double, height: Double) {
        self.init(left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2)
    }
}
