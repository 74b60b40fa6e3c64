package import Engine

extension ImportedNetwork {
    /// What may be said about a file beside what it says itself.
    package struct Options: Sendable {
        /// Extents of dimensions, by their names, or by `input:axis` where they have none.
        package var dimensions: [String: Int]
        /// The height and width of images whose own the file leaves open.
        package var imageSize: (height: Int, width: Int)?
        /// Numbers for inputs that are thereby constants.
        package var constants: [String: Tensor]
        /// The most numbers that all constants may have together.
        package var mostNumbers: Int
        /// The most numbers that one array may have which is no constant; nil for as many as all constants.
        package var largestArray: Int?
        /// Whether nodes before a last softmax give an output `logits`, and it `probabilities`.
        package var isClassifier: Bool

        package init(
            dimensions: [String: Int] = [:],
            imageSize: (height: Int, width: Int)? = nil,
            constants: [String: Tensor] = [:],
            mostNumbers: Int = 3 << 28,
            largestArray: Int? = nil,
            isClassifier: Bool = false
        ) {
            self.dimensions = dimensions
            self.imageSize = imageSize
            self.constants = constants
            self.mostNumbers = mostNumbers
            self.largestArray = largestArray
            self.isClassifier = isClassifier
        }

        /// The most numbers of one array.
        var mostOfAnArray: Int { min(largestArray ?? mostNumbers, 1 << 28) }
    }
}
