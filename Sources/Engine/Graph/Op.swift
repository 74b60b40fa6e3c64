/// One operation of a network: its attributes, its shape rule, its cost, and how to run it.
///
/// To add one: a file in `Ops/` with a struct that conforms, a naive reference and rows in the case table of the
/// tests, and, if a paper's table needs it, a case of `Layer` in the zoo.
package protocol Op: Sendable {
    /// What the operation does, as a cell of a layer table: `96 filters 11×11, stride 4`.
    var structure: String { get }

    /// The trained arrays it reads, in the order in which `run` finds them.
    var parameters: [Parameter] { get }

    /// The shape of one item's output.
    ///
    /// - Throws: `ShapeError` when the inputs do not fit; the message says what was expected and found.
    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape

    /// Multiplications followed by an addition for one item, biases not counted.
    func multiplyAdds(inputs: [Shape], output: Shape) -> Int
}

extension Op {
    package var parameters: [Parameter] { [] }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { 0 }
}

/// A trained array of an operation: the last part of its tensor name, and its shape.
package struct Parameter: Hashable, Sendable {
    package let name: String
    package let shape: Shape

    package init(_ name: String, _ shape: Shape) {
        self.name = name
        self.shape = shape
    }
}

/// Requires an item shape of channels × height × width.
func requireImage(_ shape: Shape, for operation: String) throws(ShapeError) -> (
    channels: Int, height: Int, width: Int
) {
    guard shape.rank == 3 else {
        throw ShapeError("\(operation): expected channels×height×width, found \(shape)")
    }
    return (shape[0], shape[1], shape[2])
}
