internal import Engine

/// Walks through the nodes of a graph in their order and lowers each.
///
/// A node that cannot be lowered is remembered, what depends on it is passed over, and the walk goes on: the error lists
/// them all.
struct Importer {
    /// The lowerings of all families, by operator of `ai.onnx`.
    static let lowerings: [String: Node.Lowering] = [
        ElementwiseNodes.lowerings, LayoutNodes.lowerings, SelectionNodes.lowerings, LookupNodes.lowerings,
        ReductionNodes.lowerings,
        MatrixNodes.lowerings, ConvolutionNodes.lowerings, PoolNodes.lowerings, BatchNormNodes.lowerings,
        NormNodes.lowerings,
        RecurrentNodes.lowerings, ResizeNodes.lowerings, QuantizeNodes.lowerings, DetectionNodes.lowerings,
    ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }

    /// What a name stands for: a value, or one that could not be made.
    private enum Entry {
        case known(Known)
        case failed
    }

    let builder: GraphBuilder
    private let functions: [String: FunctionProto]
    private(set) var problems: [ONNXError.Problem] = []
    private var scope: [String: Entry] = [:]
    private(set) var opset: Int
    /// What the call of a function gives its attributes.
    private var arguments: [String: Attribute] = [:]
    let depth: Int
    let prefix: String
    /// How many nodes may still be walked through, calls and branches counted each time.
    private var steps: Int

    /// Functions may call others this deep.
    static let maxDepth = 32

    init(_ builder: GraphBuilder, functions: [String: FunctionProto], opset: Int) {
        self.init(builder, functions, opset, depth: 0, prefix: "", steps: 1 << 18)
    }

    private init(
        _ builder: GraphBuilder,
        _ functions: [String: FunctionProto],
        _ opset: Int,
        depth: Int,
        prefix: String,
        steps: Int
    ) {
        self.builder = builder
        self.functions = functions
        self.opset = opset
        self.depth = depth
        self.prefix = prefix
        self.steps = steps
    }

    /// One for a graph within this one.
    func child(_ opset: Int, _ place: String) -> Importer {
        Importer(builder, functions, opset, depth: depth + 1, prefix: "\(prefix)\(place)/", steps: steps)
    }

    /// Knows all that an outer graph knows.
    mutating func inherit(_ outer: Importer) {
        scope = outer.scope
        arguments = outer.arguments
    }

    mutating func define(_ name: String, _ known: Known) { scope[name] = .known(known) }

    /// What a name stands for at the end; nil where it could not be made.
    ///
    /// - Throws: `ONNXError` where nothing gives it.
    func result(_ name: String) throws(ONNXError) -> Known? {
        switch scope[name] {
        case .known(let known)?: return known
        case .failed?: return nil
        case nil: throw .malformed("output '\(name)': no node gives it")
        }
    }

    /// Lowers the nodes of a graph whose inputs are defined.
    ///
    /// - Throws: `ONNXError` where the graph contradicts itself.
    mutating func run(_ graph: GraphProto) throws(ONNXError) {
        guard !graph.hasSparse else {
            throw .malformed("graph '\(graph.name)': sparse constants are not supported")
        }
        for tensor in graph.initializers {
            if tensor.external != nil { builder.hasExternalData = true }
            define(
                tensor.name,
                .constant(try tensor.constant(folder: builder.folder, budget: &builder.budget))
            )
        }
        try run(graph.nodes)
    }

    private mutating func run(_ nodes: [NodeProto]) throws(ONNXError) {
        for node in nodes {
            steps -= 1
            guard steps > 0 else {
                throw .tooLarge("the functions and branches of the file call too many nodes")
            }
            try run(node)
        }
    }

    private mutating func run(_ node: NodeProto) throws(ONNXError) {
        var inputs: [Known?] = []
        var isReachable = true
        for name in node.inputs {
            switch name.isEmpty ? nil : scope[name] {
            case .known(let known)?: inputs.append(known)
            case .failed?: isReachable = false
            case nil:
                guard name.isEmpty else {
                    throw .malformed(
                        "\(node.op) '\(node.title)' reads '\(name)', which nothing before it gives"
                    )
                }
                inputs.append(nil)
            }
        }
        let isControl = node.domain.isEmpty && ["If", "Loop", "Scan"].contains(node.op)
        if isReachable, isControl { return try control(node, inputs) }
        if isReachable, let function = functions[FunctionProto.key(node.domain, node.op)] {
            return try call(function, node, inputs)
        }
        if !isReachable, functions[FunctionProto.key(node.domain, node.op)] != nil || isControl {
            return try fail(node, nil)
        }
        guard node.domain.isEmpty, let lowering = Self.lowerings[node.op] else {
            let of = node.domain.isEmpty ? "" : " of '\(node.domain)'"
            return try fail(node, "no such operation\(of) is supported")
        }
        guard isReachable else { return try fail(node, nil) }
        builder.begin(prefix + node.title, node.op)
        do {
            let lowered = Node(
                name: prefix + node.title,
                op: node.op,
                opset: opset,
                attributes: try resolved(node.attributes),
                inputs: try builder.arranged(inputs, for: node.op),
                outputs: node.outputs,
                builder: builder
            )
            try finish(node, VaryingExtents.marked(lowered, lowering(lowered)))
        } catch {
            try fail(node, (error as? NodeFault)?.sentence ?? "\(error)")
        }
    }

    /// Gives a node's outputs their names, some of which could not be made.
    mutating func finish(_ node: NodeProto, optional results: [Known?]) {
        for (name, known) in zip(node.outputs, results) where !name.isEmpty {
            scope[name] = known.map { .known($0) } ?? .failed
        }
    }

    private mutating func finish(_ node: NodeProto, _ results: [Known]) throws(NodeFault) {
        for (index, name) in node.outputs.enumerated() where !name.isEmpty {
            guard index < results.count else { throw .unsupported("its output \(index)") }
        }
        for (name, known) in zip(node.outputs, results) where !name.isEmpty { scope[name] = .known(known) }
    }

    /// Remembers that a node's outputs could not be made, and why where that is its own fault.
    mutating func fail(_ node: NodeProto, _ reason: String?) throws(ONNXError) {
        if let reason {
            problems.append(ONNXError.Problem(node: prefix + node.title, op: node.op, reason: reason))
        }
        for name in node.outputs where !name.isEmpty { scope[name] = .failed }
    }

    /// Attributes with those of the call in place of their names.
    private func resolved(_ attributes: [String: Attribute]) throws(NodeFault) -> [String: Attribute] {
        var result: [String: Attribute] = [:]
        for (name, attribute) in attributes {
            guard case .reference(let outer) = attribute else {
                result[name] = attribute
                continue
            }
            result[name] = arguments[outer] // one that the call leaves out has its usual value
        }
        return result
    }

    /// Lowers what a function is made of.
    private mutating func call(_ function: FunctionProto, _ node: NodeProto, _ inputs: [Known?])
        throws(ONNXError)
    {
        guard depth < Self.maxDepth else { throw .malformed("function '\(function.name)' calls itself") }
        guard inputs.count <= function.inputs.count, node.outputs.count <= function.outputs.count else {
            return try fail(node, "function '\(function.name)' has not so many inputs or outputs")
        }
        var inner = child(function.opsets[""] ?? opset, node.title)
        for (name, known) in zip(function.inputs, inputs) {
            if let known { inner.define(name, known) }
        }
        do throws(NodeFault) {
            inner.arguments = try resolved(node.attributes).merging(function.defaults) { given, _ in given }
        } catch {
            return try fail(node, error.sentence)
        }
        // An input that the call leaves out is one that is left out inside too.
        let missing = Set(function.inputs.filter { inner.scope[$0] == nil })
        let nodes = function.nodes.map { node in
            var node = node
            node.inputs = node.inputs.map { missing.contains($0) ? "" : $0 }
            return node
        }
        try inner.run(nodes)
        finish(node, optional: try take(inner, function.outputs))
    }

    /// Takes what an inner walk made; nil for what it could not make.
    mutating func take(_ inner: Importer, _ names: [String]) throws(ONNXError) -> [Known?] {
        steps = inner.steps
        problems += inner.problems
        var results: [Known?] = []
        for name in names { results.append(try inner.result(name)) }
        return results
    }
}
