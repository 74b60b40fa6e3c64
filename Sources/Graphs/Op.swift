package import Tensors

/// One operation of a network, and all that is known about it: its attributes, its shape rule, its cost, how it runs, what
/// it becomes in a plan and beside its neighbours, how it slides over larger images, and how a table prints it.
///
/// It runs as one or more phases, each a number of tasks that may run at once. What a task computes is decided by the
/// shapes alone: an item's result never depends on the batch, its place in it, or the number of threads.
///
/// To add one: a file in the target `Ops` with a struct that conforms, a naive reference and rows in the case table of the
/// tests, and, if a paper's table needs it, a case of `Layer` in the zoo. Nothing else asks which operation it is.
package protocol Op: Sendable {
    /// What the operation does, as a cell of a layer table: `96 filters 11×11, stride 4`.
    var structure: String { get }

    /// The trained arrays it reads, in the order in which `run` finds them.
    var parameters: [Parameter] { get }

    /// The same for inputs of these shapes, where it has something that follows from them; asked before anything else.
    func fitted(to inputs: [Shape]) -> any Op

    /// The shape of one item's output, or of the first where there are several.
    ///
    /// - Throws: `ShapeError` when the inputs do not fit; the message says what was expected and found.
    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape

    /// The shapes of all of one item's outputs.
    ///
    /// - Throws: as `outputShape`.
    func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape]

    /// How the numbers of the outputs are stored, of which there are `outputs`.
    func elementTypes(of inputs: [ElementType], outputs: Int) -> [ElementType]

    /// Multiplications followed by an addition for one item, biases not counted.
    func multiplyAdds(inputs: [Shape], output: Shape) -> Int

    /// Whether a run reads all of its trained numbers: a table's rows are looked up instead.
    var readsAllWeights: Bool { get }

    /// Where the output may lie.
    var placement: Placement { get }

    /// What it does with the steps of a sequence.
    var stepRule: StepRule { get }

    /// Whether an output has a row for each step, where the first input has.
    func hasSteps(output: Int) -> Bool

    /// The floats of one item that it keeps from one run to the next.
    var stateCount: Int { get }

    /// What runs in its place where a plan has it: an operation with packed weights or on blocked images, or nil where it
    /// runs as it is, on planar images, which are reordered for it.
    ///
    /// There is no default, so that none takes the slow way unasked.
    func form(at site: OpSite) -> (any PackedOp)?

    /// The ways in which it can be computed where its output has a shape; nil when there is only one.
    func choice(output: Shape) -> AlgorithmChoice?

    /// How it is computed, where there was a choice.
    var algorithmName: String? { get }

    /// The operation that the optimiser puts in its place, because that one takes its neighbours in.
    var fusible: any Op { get }

    /// The line of each of `channels` channels, where it is nothing but such lines.
    func lines(channels: Int, weights: [TrainedArray]) -> ChannelLines?

    /// What an operation before it could do instead, while it stores its result.
    var postOp: PostOp? { get }

    /// The same with a line for each channel behind it; nil when it cannot take them in.
    func followed(by lines: ChannelLines) -> (any Op)?

    /// The same with something done to its result; nil when it cannot take that in. What a `sum` adds is one more input.
    func followed(by postOp: PostOp) -> (any Op)?

    /// The same with a line for each channel and a ReLU before it; nil when it cannot take them in.
    func preceded(by lines: ChannelLines) -> (any Op)?

    /// Whether it reads a row that is a view of an image from the image itself, whatever the layout.
    var readsThroughViews: Bool { get }

    /// Where each input lies in the output, in numbers of an item, for an operation that only joins them; the inputs may
    /// then be written there at once.
    func parts(of inputs: [Shape]) -> [Int]?

    /// The same where only these inputs are left to be copied.
    func copying(_ inputs: [Int]) -> any Op

    /// Whether there is nothing to run.
    var isIdle: Bool { get }

    /// How it stands in the table of a network's layers.
    var tableRole: TableRole { get }

    /// What becomes of it in a network that slides over images larger than its own.
    ///
    /// - Parameters:
    ///   - inputs: the shapes in the network that it is from.
    ///   - channels: those of its first input in the network that slides.
    ///   - map: the extent of what the network that it is from flattened before it.
    /// - Returns: what stands in its place.
    func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm

    /// Whether it weighs a vector of features, as the last layer of a classifier does.
    var takesFeatures: Bool { get }

    /// The token numbers that it takes.
    var tokens: TokenColumn? { get }

    /// The working memory it needs.
    func scratch(inputs: [Shape], output: Shape) -> Scratch

    /// How many phases a run has; one begins when the one before has ended.
    var phases: Int { get }

    /// How many tasks a phase has.
    func taskCount(phase: Int, of call: OpCall) -> Int

    /// Runs one task; must not allocate.
    func run(_ task: OpTask, of call: OpCall)
}

/// Working memory of an operation.
package struct Scratch: Sendable {
    /// Between its phases, for each item of the batch.
    package let bytesPerItem: Int
    /// During a task, for each thread.
    package let bytesPerThread: Int

    /// - Parameters:
    ///   - perItem: floats between its phases, for each item of the batch.
    ///   - perThread: floats during a task, for each thread.
    package init(perItem: Int = 0, perThread: Int = 0) {
        bytesPerItem = perItem * ElementType.f32.size
        bytesPerThread = perThread * ElementType.f32.size
    }
}

/// One task of a phase.
package struct OpTask: Sendable {
    package let phase: Int
    package let index: Int
    /// Below the pool's thread count; picks the scratch memory.
    package let thread: Int

    package init(phase: Int, index: Int, thread: Int) {
        self.phase = phase
        self.index = index
        self.thread = thread
    }
}

extension Op {
    package var parameters: [Parameter] { [] }

    package func fitted(to inputs: [Shape]) -> any Op { self }

    package func outputShapes(of inputs: [Shape]) throws(ShapeError) -> [Shape] {
        [try outputShape(of: inputs)]
    }

    package func elementTypes(of inputs: [ElementType], outputs: Int) -> [ElementType] {
        Array(repeating: .f32, count: outputs)
    }

    package func hasSteps(output: Int) -> Bool { stepRule != .pools }

    package var readsAllWeights: Bool { true }

    package var placement: Placement { .separate }

    package var stepRule: StepRule { .ignores }

    package var stateCount: Int { 0 }

    package var phases: Int { 1 }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch { Scratch() }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { 0 }

    package func choice(output: Shape) -> AlgorithmChoice? { nil }

    package var algorithmName: String? { nil }

    package var fusible: any Op { self }

    package func lines(channels: Int, weights: [TrainedArray]) -> ChannelLines? { nil }

    package var postOp: PostOp? { nil }

    package func followed(by lines: ChannelLines) -> (any Op)? { nil }

    package func followed(by postOp: PostOp) -> (any Op)? { nil }

    package func preceded(by lines: ChannelLines) -> (any Op)? { nil }

    package var readsThroughViews: Bool { false }

    package func parts(of inputs: [Shape]) -> [Int]? { nil }

    package func copying(_ inputs: [Int]) -> any Op { self }

    package var isIdle: Bool { isAlias }

    package var tableRole: TableRole { .layer }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        .same
    }

    package var takesFeatures: Bool { false }

    package var tokens: TokenColumn? { nil }

    /// Whether it is its first input under another shape.
    package var isView: Bool {
        if case .view = placement { true } else { false }
    }

    /// Whether its outputs lie where its first input does.
    package var isAlias: Bool {
        switch placement {
        case .view, .slices: true
        case .separate, .overInput, .over: false
        }
    }
}

/// Requires an item shape of channels × height × width.
package func requireImage(_ shape: Shape, for operation: String) throws(ShapeError) -> (
    channels: Int, height: Int, width: Int
) {
    guard shape.rank == 3 else {
        throw ShapeError("\(operation): expected channels×height×width, found \(shape)")
    }
    return (shape[0], shape[1], shape[2])
}
