package import Tensors

/// A network as a list of operations in an order in which they can run.
///
/// A graph knows shapes and tensor names but holds no weights; `Plan` joins the two.
package struct Graph: Sendable {
    /// A value in the graph: its input, or an output of the node with that index, the first unless it says which.
    package enum Value: Hashable, Sendable {
        case input
        case node(Int, output: Int = 0)
    }

    /// One operation with its place in the network.
    package struct Node: Sendable {
        /// The prefix of its tensors, such as `layer1.0.conv1`; also its name in tables.
        package let name: String
        package let op: any Op
        package let inputs: [Value]
        /// The shapes of one item's outputs.
        package let shapes: [Shape]
        package let elementTypes: [ElementType]

        /// The shape of one item's first output.
        package var shape: Shape { shapes[0] }
    }

    /// The shape of one item that goes in.
    package let inputShape: Shape
    package let inputType: ElementType
    package private(set) var nodes: [Node] = []
    /// Whether an item is a sequence: steps, or steps × features.
    ///
    /// Items of a batch may then have any number of steps up to that of the batch.
    package private(set) var takesSequences = false
    /// The values that a run hands out, by name: `logits`, `probabilities`.
    package private(set) var outputs: [(name: String, value: Value)] = []

    private var names: Set<String> = []
    /// The full names of the trained arrays.
    private var trained: Set<String> = []

    package init(inputShape: Shape, inputType: ElementType = .f32) {
        self.inputShape = inputShape
        self.inputType = inputType
    }

    /// Appends an operation and returns its first output.
    ///
    /// - Throws: as `addAll`.
    package mutating func add(_ op: any Op, name: String, inputs: [Value]) throws(ShapeError) -> Value {
        try addAll(op, name: name, inputs: inputs)[0]
    }

    /// Appends an operation and returns its outputs.
    ///
    /// Names are unique, because weights are found and packed by them: those of nodes, or, where nodes share the prefix of
    /// their tensors as the layers of a recurrent network do, those of the trained arrays.
    ///
    /// - Throws: `ShapeError` with the node's name when the inputs do not fit, or the name is taken.
    package mutating func addAll(
        _ op: any Op,
        name: String,
        inputs: [Value]
    ) throws(ShapeError) -> [Value] {
        let parameters = op.parameters.map { "\(name).\($0.name)" }
        if let taken = parameters.first(where: trained.contains) {
            throw ShapeError("\(name): another node has an array '\(taken)'")
        }
        guard !parameters.isEmpty || !names.contains(name) else {
            throw ShapeError("\(name): another node has this name")
        }
        let op = op.fitted(to: inputs.map(shape(of:)))
        let shapes: [Shape]
        do {
            shapes = try op.outputShapes(of: inputs.map(shape(of:)))
        } catch {
            throw ShapeError("\(name): \(error.description)")
        }
        let types = op.elementTypes(of: inputs.map(elementType(of:)), outputs: shapes.count)
        precondition(!shapes.isEmpty && types.count == shapes.count, "\(name): \(shapes.count) outputs")
        nodes.append(Node(name: name, op: op, inputs: inputs, shapes: shapes, elementTypes: types))
        names.insert(name)
        trained.formUnion(parameters)
        if op.stepRule != .ignores { takesSequences = true }
        return shapes.indices.map { .node(nodes.count - 1, output: $0) }
    }

    /// Declares `value` as an output under `name`.
    package mutating func setOutput(_ name: String, to value: Value) {
        outputs.append((name, value))
    }

    /// The same network with other outputs.
    package func withOutputs(_ outputs: [(name: String, value: Value)]) -> Graph {
        var graph = self
        graph.outputs = outputs
        return graph
    }

    /// The shape of one item of `value`.
    package func shape(of value: Value) -> Shape {
        switch value {
        case .input: inputShape
        case .node(let index, let output): nodes[index].shapes[output]
        }
    }

    /// How the numbers of `value` are stored.
    package func elementType(of value: Value) -> ElementType {
        switch value {
        case .input: inputType
        case .node(let index, let output): nodes[index].elementTypes[output]
        }
    }

    /// The same network for items of another shape: larger images, longer sequences.
    ///
    /// - Throws: `ShapeError` with the node's name when the network cannot take it.
    package func reshaped(to inputShape: Shape) throws(ShapeError) -> Graph {
        guard inputShape.dimensions.allSatisfy({ $0 > 0 }) else {
            throw ShapeError("input: expected an item with elements, found \(inputShape)")
        }
        var graph = Graph(inputShape: inputShape, inputType: inputType)
        for node in nodes { _ = try graph.addAll(node.op, name: node.name, inputs: node.inputs) }
        graph.outputs = outputs
        return graph
    }

    /// The trained arrays of all nodes under their full names, in graph order.
    package var parameters: [Parameter] {
        nodes.flatMap { node in
            node.op.parameters.map { Parameter("\(node.name).\($0.name)", $0.shape) }
        }
    }

    /// Multiplications followed by an addition for one item.
    package var multiplyAdds: Int {
        nodes.reduce(0) { total, node in
            total + node.op.multiplyAdds(inputs: node.inputs.map(shape(of:)), output: node.shape)
        }
    }
}

/// Sequences and their recurrent state.
extension Graph {
    /// The floats of one item's recurrent state; 0 when there is none that could be carried on.
    ///
    /// For each layer the hidden state and, for an LSTM, the cell state behind it; before these what `Recall` has of its
    /// own.
    package var stateCount: Int { isStreamable ? nodes.reduce(0) { $0 + $1.op.stateCount } : 0 }

    /// Whether a sequence can be run in parts, each from the state in which the one before ended: every layer reads it
    /// forwards only.
    package var isStreamable: Bool {
        let rules = nodes.map(\.op.stepRule)
        return rules.contains(.carries) && !rules.contains(.surrounds)
    }

    /// What the input must hold where operations take token numbers from it.
    package var tokenColumns: [TokenColumn] {
        nodes.filter { $0.inputs == [.input] }.compactMap(\.op.tokens)
    }

    /// The shape that a batch with an item of this shape is prepared for: items whose steps have the same power of two
    /// above them share their batches.
    package func batchShape(for shape: Shape) -> Shape {
        guard takesSequences, let steps = shape.dimensions.first, steps > 1 else { return shape }
        let limit = 1 << (Int.bitWidth - (steps - 1).leadingZeroBitCount)
        return Shape([limit] + shape.dimensions.dropFirst())
    }

    /// Whether a value has a row for each step of the sequence.
    package func hasSteps(_ value: Value) -> Bool {
        guard takesSequences, case .node(let index, let output) = value else { return takesSequences }
        return nodes[index].op.hasSteps(output: output) && nodes[index].inputs.contains(where: hasSteps)
    }
}
