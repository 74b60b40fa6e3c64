/// How well the classes of pixels are found: of each class the pixels that have it in both maps over those that have it in
/// either, over all images together.
///
/// - Source: Everingham et al., PASCAL VOC development kit, §3.5; Long, Shelhamer & Darrell 2015, §4: mean IU.
package struct IntersectionOverUnion: Sendable {
    private let classes: Int
    private var both: [Int]
    private var found: [Int]
    private var right: [Int]

    package init(classes: Int) {
        self.classes = classes
        both = Array(repeating: 0, count: classes)
        (found, right) = (both, both)
    }

    /// Takes the pixels of an image into account.
    ///
    /// - Parameters:
    ///   - map: what was found.
    ///   - truth: what is there; a number that is no class counts nowhere, as the 255 of VOC's borders.
    /// - Precondition: there is a number for each pixel.
    package mutating func add(_ map: ClassMap, _ truth: [UInt8]) {
        precondition(map.classes.count == truth.count, "\(truth.count) pixels for \(map.classes.count)")
        for (one, other) in zip(map.classes, truth) where Int(other) < classes {
            found[Int(one)] += 1
            right[Int(other)] += 1
            if Int(one) == Int(other) { both[Int(one)] += 1 }
        }
    }

    /// Of each class; nil of one that is in neither.
    package var perClass: [Double?] {
        (0..<classes).map { index in
            let either = found[index] + right[index] - both[index]
            return either > 0 ? Double(both[index]) / Double(either) : nil
        }
    }

    /// The mean over the classes that are there.
    package var mean: Double {
        let known = perClass.compactMap(\.self)
        return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
    }

    /// The share of pixels that have their class.
    package var accuracy: Double {
        let all = right.reduce(0, +)
        return all > 0 ? Double(both.reduce(0, +)) / Double(all) : 0
    }

    /// How many pixels of a class are there.
    package func pixels(of index: Int) -> Int { right[index] }
}
