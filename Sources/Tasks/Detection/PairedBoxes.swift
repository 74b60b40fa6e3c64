internal import Imaging
internal import Models
internal import Platform
internal import Support

/// Heads with a tensor of boxes and a tensor of scores: every class of an anchor may have its box.
///
/// - Source: for offsets from prior boxes Liu et al. 2016 (SSD) as Caffe's `DetectionOutput` decodes them, with variances:
///   centre = prior centre + offset · variance · prior size; size = prior size · exp(offset · variance).
extension BoxDecoder {
    static func pairs(
        _ parts: [ArraySlice<Float>],
        _ head: BoxHead,
        _ threshold: Double,
        _ context: RequestContext
    ) throws(ServingError) -> [BoxCandidate] {
        let description = head.description
        let hasLabels = description.labels != nil
        let width = hasLabels ? 1 : parts[1].count / head.anchors
        let priors =
            description.format == .ssd
            ? head.priors ?? parts[2].prefix(head.anchors * 4).map(Double.init) : []
        var candidates: [BoxCandidate] = []
        for anchor in 0..<head.anchors {
            if anchor % stretch == 0 { try context.check() }
            let start = parts[1].startIndex + anchor * width
            let scores = activated(parts[1][start..<start + width], description.activation)
            guard scores.contains(where: { Double($0) >= threshold }) else { continue }
            let box = box(anchor, parts[0], priors, head)
            guard box.isProper else { continue }
            for (place, score) in scores.enumerated() where score.isFinite && Double(score) >= threshold {
                let number = hasLabels ? label(parts[2], anchor) : place
                guard let index = number.flatMap({ head.objectClass($0) }) else { continue }
                candidates.append(BoxCandidate(box, class: index, score: score, anchor: anchor))
            }
        }
        return candidates
    }

    private static func label(_ labels: ArraySlice<Float>, _ anchor: Int) -> Int? {
        Int(exactly: labels[labels.startIndex + anchor])
    }

    private static func box(
        _ anchor: Int,
        _ boxes: ArraySlice<Float>,
        _ priors: [Double],
        _ head: BoxHead
    ) -> ImageBox {
        let start = boxes.startIndex + anchor * 4
        let values = boxes[start..<start + 4].map(Double.init)
        let (across, down) = (Double(head.width), Double(head.height))
        guard head.description.format == .ssd else {
            let (x, y) = head.description.unit == .unit ? (across, down) : (1, 1)
            return ImageBox(
                left: values[0] * x,
                top: values[1] * y,
                right: values[2] * x,
                bottom: values[3] * y
            )
        }
        let prior = priors[anchor * 4..<anchor * 4 + 4].map(\.self)
        let (center, size) = head.description.variances
        return ImageBox(
            centerX: (prior[0] + values[0] * center * prior[2]) * across,
            y: (prior[1] + values[1] * center * prior[3]) * down,
            width: prior[2] * Exponential.of(values[2] * size) * across,
            height: prior[3] * Exponential.of(values[3] * size) * down
        )
    }

    /// Scores of an anchor; of a softmax over logits that are not all finite none is a number.
    private static func activated(
        _ numbers: ArraySlice<Float>,
        _ activation: BoxDescription.Activation
    ) -> [Float] {
        switch activation {
        case .none: return Array(numbers)
        case .sigmoid: return numbers.map { Float(1 / (1 + Exponential.of(-Double($0)))) }
        case .softmax:
            let largest = Double(numbers.max() ?? 0)
            let powers = numbers.map { Exponential.of(Double($0) - largest) }
            let sum = powers.reduce(0, +)
            return powers.map { Float($0 / sum) }
        }
    }
}

extension BoxHead {
    /// The class that a number of the network stands for; nil for the background, and for what is none.
    fileprivate func objectClass(_ number: Int) -> Int? {
        guard let background = description.background else { return 0..<classes ~= number ? number : nil }
        guard number != background else { return nil }
        let index = number > background ? number - 1 : number
        return 0..<classes ~= index ? index : nil
    }
}
