import Engine

/// Operations written down from their definitions, in double precision and without a thought for speed: what the
/// kernels are compared with.
enum Reference {
    /// An array with its shape.
    struct Array {
        let shape: Shape
        var values: [Double]
        private let height: Int
        private let width: Int

        init(_ shape: Shape, _ values: [Double]) {
            self.shape = shape
            self.values = values
            height = shape.dimensions.dropLast().last ?? 1
            width = shape.dimensions.last ?? 1
        }

        init(zeros shape: Shape) {
            self.init(shape, [Double](repeating: 0, count: shape.elementCount))
        }

        subscript(_ i: Int, _ j: Int) -> Double {
            get { values[i * width + j] }
            set { values[i * width + j] = newValue }
        }

        subscript(_ i: Int, _ j: Int, _ k: Int) -> Double {
            get { values[(i * height + j) * width + k] }
            set { values[(i * height + j) * width + k] = newValue }
        }

        /// The pixel of a channel, or nil outside the image.
        func pixel(_ channel: Int, _ row: Int, _ column: Int) -> Double? {
            guard 0..<height ~= row, 0..<width ~= column else { return nil }
            return self[channel, row, column]
        }
    }
}
