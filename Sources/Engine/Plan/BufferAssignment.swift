internal import Graphs

/// Which values of a graph share a buffer, and when each buffer is in use.
///
/// A view and slices share their input's buffer, a part of a concatenation has its place in that one's. An operation that may write
/// over an input does so when nobody reads that input afterwards. Node i runs at step i; the input is there from step
/// 0, outputs stay to the end.
struct BufferAssignment {
    /// Where a value is: its buffer and the bytes before it in every item.
    struct Place {
        let buffer: Int
        let offset: Int
    }

    /// The buffers of values, and behind them the scratch of the nodes that need some.
    private(set) var buffers: [MemoryPlanner.Buffer] = []
    /// The places of each node's outputs.
    private(set) var nodes: [[Place]] = []
    /// The buffer of each node's scratch, if it needs one.
    private(set) var scratch: [Int?] = []
    private let slabs: Slabs
    private var slabBuffers: [Int: Int] = [:]
    private let lastUses: [Graph.Value: Int]

    init(_ graph: PlannedGraph, slabs: Slabs) {
        self.slabs = slabs
        lastUses = Self.lastUses(in: graph)
        let inputEnd = lastUses[.input] ?? 0
        buffers.append(.init(byteCount: graph.byteCount(of: .input), lifetime: 0...inputEnd))
        for index in graph.nodes.indices {
            let places = outputPlaces(of: index, in: graph)
            for (value, place) in zip(graph.outputs(of: index), places) {
                let life = buffers[place.buffer].lifetime
                let end = max(index, lastUses[value] ?? index)
                buffers[place.buffer].lifetime = life.lowerBound...max(life.upperBound, end)
            }
            nodes.append(places)
        }
        for (index, node) in graph.nodes.enumerated() {
            let inputs = node.inputs.map(graph.shape(of:))
            let count = node.op.scratch(inputs: inputs, output: node.shape).bytesPerItem
            scratch.append(count > 0 ? addBuffer(count, at: index) : nil)
        }
    }

    /// The place of a value.
    func place(of value: Graph.Value) -> Place {
        switch value {
        case .input: Place(buffer: 0, offset: 0)
        case .node(let index, let output): nodes[index][output]
        }
    }

    private mutating func addBuffer(_ byteCount: Int, at index: Int) -> Int {
        buffers.append(.init(byteCount: byteCount, lifetime: index...index))
        return buffers.count - 1
    }

    /// The places of a node's outputs, in the buffers of others or in new ones.
    private mutating func outputPlaces(of index: Int, in graph: PlannedGraph) -> [Place] {
        if let root = slabs.places[index]?.root ?? (slabs.roots.contains(index) ? index : nil) {
            let buffer = slabBuffers[root] ?? addBuffer(graph.byteCount(of: .node(root)), at: index)
            slabBuffers[root] = buffer
            return [Place(buffer: buffer, offset: slabs.places[index]?.offset ?? 0)]
        }
        let values = graph.outputs(of: index)
        if case .slices = graph.nodes[index].op.placement {
            return slices(values, of: place(of: graph.nodes[index].inputs[0]), in: graph)
        }
        // Only what is all that an operation gives may lie over an input.
        if values.count == 1, let place = sharedInput(of: index, in: graph) { return [place] }
        return values.map { Place(buffer: addBuffer(graph.byteCount(of: $0), at: index), offset: 0) }
    }

    /// The places of values that lie one behind the other in another.
    private func slices(_ values: [Graph.Value], of whole: Place, in graph: PlannedGraph) -> [Place] {
        var offset = whole.offset
        return values.map { value in
            defer { offset += graph.byteCount(of: value) }
            return Place(buffer: whole.buffer, offset: offset)
        }
    }

    /// The place of an input that the output of a node may take.
    private func sharedInput(of index: Int, in graph: PlannedGraph) -> Place? {
        let node = graph.nodes[index]
        switch node.op.placement {
        case .separate, .slices: return nil
        case .view: return place(of: node.inputs[0])
        case .overInput:
            return node.inputs.first { isFree($0, for: index, in: graph) }.map(place(of:))
        case .over(let input):
            let place = place(of: node.inputs[input])
            let isReadElsewhere = node.inputs.enumerated().contains {
                $0 != input && self.place(of: $1).buffer == place.buffer
            }
            return !isReadElsewhere && isFree(node.inputs[input], for: index, in: graph) ? place : nil
        }
    }

    /// Whether a value's memory can be written by a node: it fits exactly, and nobody needs what is there afterwards.
    private func isFree(_ value: Graph.Value, for index: Int, in graph: PlannedGraph) -> Bool {
        if case .node(let source, _) = value, slabs.places[source] != nil || slabs.roots.contains(source) {
            return false
        }
        return graph.byteCount(of: value) == graph.byteCount(of: .node(index))
            && graph.layout(of: value) == graph.layout(of: .node(index))
            && buffers[place(of: value).buffer].lifetime.upperBound <= index
    }

    /// The last step at which a value is read.
    private static func lastUses(in graph: PlannedGraph) -> [Graph.Value: Int] {
        var uses: [Graph.Value: Int] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for value in node.inputs { uses[value] = index }
        }
        for (_, value) in graph.outputs { uses[value] = graph.nodes.count }
        return uses
    }
}

/// Which values are written straight into a concatenation, and where in it.
///
/// A concatenation inside another lies in that one's memory, so a block of dense layers is one slab that grows.
struct Slabs {
    /// A place in the output of another node, in bytes of an item.
    struct Place {
        let root: Int
        let offset: Int
    }

    /// By node; a root has none.
    private(set) var places: [Int: Place] = [:]
    /// The nodes whose output others are written into.
    private(set) var roots: Set<Int> = []

    /// Places what can be placed, and leaves the rest for the concatenations to copy.
    init(_ graph: inout PlannedGraph) {
        // The outermost concatenation comes last.
        for index in graph.nodes.indices.reversed() {
            let (op, inputs) = (graph.nodes[index].op, graph.nodes[index].inputs)
            guard let parts = op.parts(of: inputs.map(graph.shape(of:))) else { continue }
            let own = places[index] ?? Place(root: index, offset: 0)
            let copied = inputs.indices.filter { position in
                guard case .node(let producer, _) = inputs[position], places[producer] == nil,
                    !roots.contains(producer), !graph.nodes[producer].op.isAlias,
                    graph.nodes[producer].shapes.count == 1
                else { return true }
                let offset = own.offset + parts[position] * graph.elementType(of: inputs[position]).size
                places[producer] = Place(root: own.root, offset: offset)
                return false
            }
            roots.insert(own.root)
            graph.setOp(op.copying(copied), at: index)
        }
    }
}
