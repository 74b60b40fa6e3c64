/// Which values are written straight into a concatenation, and where in it.
///
/// A concatenation inside another lies in that one's memory, so a block of dense layers is one slab that grows.
struct Slabs {
    /// A place in the output of another node, in floats of an item.
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
            guard var concat = graph.nodes[index].op as? BlockedConcat else { continue }
            let inputs = graph.nodes[index].inputs
            let shapes = inputs.map(graph.shape(of:))
            let own = places[index] ?? Place(root: index, offset: 0)
            concat.copied = inputs.indices.filter { position in
                guard case .node(let producer) = inputs[position], places[producer] == nil,
                    !roots.contains(producer), Self.canBePlaced(graph.nodes[producer].op)
                else { return true }
                let offset = own.offset + BlockedConcat.offset(of: position, in: shapes)
                places[producer] = Place(root: own.root, offset: offset)
                return false
            }
            roots.insert(own.root)
            graph.setOp(concat, at: index)
        }
    }

    private static func canBePlaced(_ op: any Op) -> Bool {
        if case .view = op.placement { return false }
        return op is any PackedOp
    }
}
