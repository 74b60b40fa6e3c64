package import Engine
package import Inference
internal import Zoo

/// The networks of a model, in the order in which they run; made in one place, once.
package struct Pipeline: Sendable {
    /// A graph with its numbers.
    package typealias Stage = (graph: Graph, weights: Weights)

    /// What makes the features of frames, in a model that takes them.
    package let extractor: ServedNetwork?
    /// The network that answers, or that reads for the decoder.
    package let main: ServedNetwork
    /// What writes a target, one token a run, of what `main`, the encoder, gives.
    package let decoder: ServedNetwork?
    /// `main` as a network that slides over whole images, or why it cannot; it shares the numbers of `main`.
    package let dense: Result<ServedNetwork, ShapeError>

    package init(
        model: String,
        version: String,
        policy: ServingPolicy,
        main: Stage,
        extractor: Stage? = nil,
        decoder: Stage? = nil
    ) {
        func served(_ stage: Stage) -> ServedNetwork {
            ServedNetwork(
                model: model,
                version: version,
                graph: stage.graph,
                weights: stage.weights,
                policy: policy
            )
        }
        self.extractor = extractor.map(served)
        self.main = served(main)
        self.decoder = decoder.map(served)
        dense = Result { () throws(ShapeError) in
            guard main.graph.inputShape.rank == 3 else { throw ShapeError("it takes no images") }
            let graph = try FullyConvolutional.graph(main.graph)
            return served((graph, Weights(main.weights, for: graph)))
        }
    }

    /// What runs for an answer.
    package var networks: [ServedNetwork] { [extractor, main, decoder].compactMap(\.self) }

    /// All that may have run, the one that slides too.
    package var allNetworks: [ServedNetwork] { networks + [try? dense.get()].compactMap(\.self) }

    /// What the numbers of all networks take in memory, packed or not.
    package var bytes: Int { networks.reduce(0) { $0 + $1.weights.bytes } }
}
