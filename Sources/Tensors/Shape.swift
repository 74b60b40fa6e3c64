/// The extents of an array, outermost first: `[channels, height, width]`, `[classes]`, `[steps, features]`.
///
/// Inside a graph a shape describes one item; the batch is not part of it.
package struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    package let dimensions: [Int]

    package init(_ dimensions: [Int]) {
        self.dimensions = dimensions
    }

    package init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// How many dimensions there are.
    package var rank: Int { dimensions.count }

    /// The product of the dimensions; 1 for a scalar.
    package var elementCount: Int { dimensions.reduce(1, *) }

    package subscript(axis: Int) -> Int { dimensions[axis] }

    package var description: String { dimensions.map(String.init).joined(separator: "×") }
}

/// An operation was given inputs it cannot take.
package struct ShapeError: Error, Equatable, CustomStringConvertible {
    /// What was expected and what was found, such as `conv: expected channels×height×width, found 9216`.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
