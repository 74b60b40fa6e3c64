/// How often each class was taken for each: a row for the class that was right, a column for the one that was found.
package struct ConfusionMatrix: Sendable, Equatable {
    /// One class, against all others.
    package struct ClassQuality: Sendable, Equatable {
        /// How many examples are of the class.
        package let count: Int
        /// How many were taken for it.
        package let found: Int
        /// How many of both.
        package let right: Int

        /// The share of the class that was found; 0 of a class without examples.
        package var recall: Double { count == 0 ? 0 : Double(right) / Double(count) }
        /// The share of what was taken for it that is of it; 0 where nothing was.
        package var precision: Double { found == 0 ? 0 : Double(right) / Double(found) }
        /// The harmonic mean of the two.
        package var f1: Double { count + found == 0 ? 0 : 2 * Double(right) / Double(count + found) }
    }

    package let classes: Int
    /// Row by row.
    private var counts: [Int]

    package init(classes: Int) {
        precondition(classes > 0, "\(classes) classes")
        self.classes = classes
        counts = Array(repeating: 0, count: classes * classes)
    }

    package subscript(right: Int, found: Int) -> Int { counts[right * classes + found] }

    package mutating func add(right: Int, found: Int) { counts[right * classes + found] += 1 }

    /// How many examples were counted.
    package var total: Int { counts.reduce(0, +) }

    /// The share of examples on the diagonal; 0 of none.
    package var accuracy: Double {
        let right = (0..<classes).reduce(0) { $0 + self[$1, $1] }
        return total == 0 ? 0 : Double(right) / Double(total)
    }

    /// Each class by its number.
    package var perClass: [ClassQuality] {
        (0..<classes).map { index in
            ClassQuality(
                count: (0..<classes).reduce(0) { $0 + self[index, $1] },
                found: (0..<classes).reduce(0) { $0 + self[$1, index] },
                right: self[index, index]
            )
        }
    }

    /// The pairs that were mistaken for each other most often, the most frequent first.
    package func mistakes(_ count: Int) -> [(right: Int, found: Int, count: Int)] {
        let wrong = counts.indices.filter { counts[$0] > 0 && $0 / classes != $0 % classes }
        return wrong.sorted { counts[$0] == counts[$1] ? $0 < $1 : counts[$0] > counts[$1] }.prefix(count)
            .map { ($0 / classes, $0 % classes, counts[$0]) }
    }
}
