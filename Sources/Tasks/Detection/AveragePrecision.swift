package import Imaging

/// How well boxes are found, class by class, by the protocol of PASCAL VOC 2010: a detection is right when it overlaps with an
/// object of its class and image that no better detection has taken, by an intersection over union of at least 0.5, and the
/// average precision is the whole area under the precision that never rises with recall.
///
/// - Source: Everingham et al., "The PASCAL visual object classes challenge 2010 development kit", §3.4.1.
package struct AveragePrecision: Sendable {
    /// An object that is in an image.
    package struct Truth: Sendable, Equatable {
        package let index: Int
        package let box: ImageBox
        /// Whether it counts neither when it is found nor when it is not.
        package let isDifficult: Bool

        package init(index: Int, box: ImageBox, isDifficult: Bool = false) {
            (self.index, self.box, self.isDifficult) = (index, box, isDifficult)
        }
    }

    /// What was found of a class.
    package struct ClassQuality: Sendable, Equatable {
        /// How many objects there are that count.
        package let objects: Int
        /// How many detections there are that count.
        package let detections: Int
        /// How many of these are right.
        package let right: Int
        /// Nil of a class without objects.
        package let averagePrecision: Double?
    }

    /// From which overlap on a detection is right.
    package let overlap: Double
    private var objects: [Int]
    /// Of each class, the scores of detections and whether they are right, image by image.
    private var found: [[(score: Float, isRight: Bool)]]

    package init(classes: Int, overlap: Double = 0.5) {
        self.overlap = overlap
        objects = Array(repeating: 0, count: classes)
        found = Array(repeating: [], count: classes)
    }

    /// Takes an image into account.
    ///
    /// - Parameters:
    ///   - detections: what was found in it, in any order; of equal scores the first counts first.
    ///   - truths: what is in it.
    package mutating func add(_ detections: [Detection], _ truths: [Truth]) {
        for truth in truths where !truth.isDifficult { objects[truth.index] += 1 }
        var isTaken = [Bool](repeating: false, count: truths.count)
        let order = detections.enumerated().sorted {
            ($0.element.score, $1.offset) > ($1.element.score, $0.offset)
        }
        for (_, detection) in order {
            var best: (place: Int, overlap: Double)?
            for (place, truth) in truths.enumerated() where truth.index == detection.index {
                let overlap = truth.box.overlap(with: detection.box)
                if overlap > best?.overlap ?? 0 { best = (place, overlap) }
            }
            guard let best, best.overlap >= overlap else {
                found[detection.index].append((detection.score, false))
                continue
            }
            guard !truths[best.place].isDifficult else { continue }
            found[detection.index].append((detection.score, !isTaken[best.place]))
            isTaken[best.place] = true
        }
    }

    /// Each class.
    package var perClass: [ClassQuality] {
        objects.indices.map { index in
            let entries = found[index]
            return ClassQuality(
                objects: objects[index],
                detections: entries.count,
                right: entries.count { $0.isRight },
                averagePrecision: objects[index] > 0 ? Self.area(entries, of: objects[index]) : nil
            )
        }
    }

    /// The mean over the classes that have objects; 0 where there are none.
    package var mean: Double {
        let known = perClass.compactMap(\.averagePrecision)
        return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
    }

    /// The area under the curve of precision over recall, which takes at each recall the best precision from there on.
    private static func area(_ entries: [(score: Float, isRight: Bool)], of objects: Int) -> Double {
        let order = entries.enumerated().sorted {
            ($0.element.score, $1.offset) > ($1.element.score, $0.offset)
        }
        var (right, curve) = (0, [(recall: Double, precision: Double)]())
        for (rank, entry) in order.enumerated() {
            right += entry.element.isRight ? 1 : 0
            curve.append((Double(right) / Double(objects), Double(right) / Double(rank + 1)))
        }
        var (area, best, next) = (0.0, 0.0, curve.last?.recall ?? 0)
        for point in curve.reversed() {
            area += (next - point.recall) * best
            (best, next) = (max(best, point.precision), point.recall)
        }
        return area + next * best
    }
}
