package import Imaging

/// An object that was found in an image.
package struct Detection: Sendable, Equatable {
    package let index: Int
    /// Nil when the model has no labels.
    package let label: String?
    /// From 0 to 1, for detectors that score so.
    package let score: Float
    /// In pixels of the upright image, within it.
    package let box: ImageBox

    package init(index: Int, label: String?, score: Float, box: ImageBox) {
        (self.index, self.label, self.score, self.box) = (index, label, score, box)
    }

    /// The label, or the number of a class without one.
    package var name: String { label ?? String(index) }
}

/// A box that a network's numbers tell of, before those that overlap are thinned out.
package struct BoxCandidate: Sendable, Equatable {
    package let box: ImageBox
    package let classIndex: Int
    package let score: Float
    /// Its place among the network's boxes, by which equals are ordered.
    package let anchor: Int

    package init(_ box: ImageBox, class classIndex: Int, score: Float, anchor: Int) {
        (self.box, self.classIndex, self.score, self.anchor) = (box, classIndex, score, anchor)
    }

    /// Whether it comes before another: the higher score, of equals the earlier anchor, then the lower class.
    func precedes(_ other: BoxCandidate) -> Bool {
        if score != other.score { return score > other.score }
        return (anchor, classIndex) < (other.anchor, other.classIndex)
    }
}

extension ImageBox {
    package var area: Double { max(0, right - left) * max(0, bottom - top) }

    /// Whether it has an area, and all its sides are numbers.
    package var isProper: Bool {
        left.isFinite && top.isFinite && right.isFinite && bottom.isFinite && left < right && top < bottom
    }

    /// The area that both cover over the area that either does; 0 where both have none.
    package func overlap(with other: ImageBox) -> Double {
        let both = intersection(other).area
        let either = area + other.area - both
        return either > 0 ? both / either : 0
    }

    /// The part that another box has too; without area where they do not meet.
    package func intersection(_ other: ImageBox) -> ImageBox {
        ImageBox(
            left: max(left, other.left),
            top: max(top, other.top),
            right: min(right, other.right),
            bottom: min(bottom, other.bottom)
        )
    }
}
