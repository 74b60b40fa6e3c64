/// Rewrites a graph so that it computes the same with fewer, larger operations.
///
/// To add a pass: a file with a function on `BoundGraph`, and a line here; its test states the graph before, the graph
/// after, and equal outputs.
enum Optimizer {
    /// The passes in their order.
    private static let passes: [@Sendable (inout BoundGraph) -> Void] = [
        { $0.takeBlockedConvolutions() },
        { $0.foldChannelLines() },
        { $0.fuseSums() },
        { $0.fuseActivations() },
        { $0.fuseInputNorms() },
    ]

    static func optimized(_ graph: Graph, weights: Weights) -> BoundGraph {
        var graph = BoundGraph(graph, weights: weights)
        for pass in passes {
            pass(&graph)
            graph.removeDead()
        }
        return graph
    }
}
