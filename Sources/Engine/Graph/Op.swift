/// One operation of a network: its attributes, its shape rule, its cost, and how to run it.
///
/// It runs as one or more phases, each a number of tasks that may run at once. What a task computes is decided by the
/// shapes alone: an item's result never depends on the batch, its place in it, or the number of threads.
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

    /// Whether a run reads all of its trained numbers: a table's rows are looked up instead.
    var readsAllWeights: Bool { get }

    /// Where the output may lie.
    var placement: Placement { get }

    /// What it does with the steps of a sequence.
    var stepRule: StepRule { get }

    /// The floats of one item that it keeps from one run to the next.
    var stateCount: Int { get }

    /// The working memory it needs.
    func scratch(inputs: [Shape], output: Shape) -> Scratch

    /// How many phases a run has; one begins when the one before has ended.
    var phases: Int { get }

    /// How many tasks a phase has.
    func taskCount(phase: Int, of call: OpCall) -> Int

    /// Runs one task; must not allocate.
    func run(_ task: OpTask, of call: OpCall)
}

/// Where an operation's output may lie in memory.
package enum Placement: Sendable {
    /// In memory of its own.
    case separate
    /// Over an input of the same size that nobody reads afterwards: each output element depends on the input elements
    /// of its own task only, which are read before it is written.
    case overInput
    /// Over one input under the same condition; the other inputs are read while it is written.
    case over(input: Int)
    /// It is the first input under another shape; nothing runs.
    case view
}

/// Working memory of an operation, in floats.
package struct Scratch: Sendable {
    /// Between its phases, for each item of the batch.
    package var perItem = 0
    /// During a task, for each thread.
    package var perThread = 0
}

/// One task of a phase.
package struct OpTask: Sendable {
    package let phase: Int
    package let index: Int
    /// Below the pool's thread count; picks the scratch memory.
    package let thread: Int
}

extension Op {
    package var parameters: [Parameter] { [] }

    package var readsAllWeights: Bool { true }

    package var placement: Placement { .separate }

    package var stepRule: StepRule { .ignores }

    package var stateCount: Int { 0 }

    package var phases: Int { 1 }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch { Scratch() }

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
