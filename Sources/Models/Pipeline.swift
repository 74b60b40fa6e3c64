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

    /// `main` up to its class score maps, or why there are none, and the bias that each position of a map has.
    private let classMaps: Result<(graph: Graph, bias: [Float]), ShapeError>
    private let derived = DerivedNetworks()

    package init(
        model: String,
        version: String,
        policy: ServingPolicy,
        main: Stage,
        extractor: Stage? = nil,
        decoder: Stage? = nil,
        outputs: [String] = ServedNetwork.usualOutputs
    ) {
        func served(_ stage: Stage, _ outputs: [String] = ServedNetwork.usualOutputs) -> ServedNetwork {
            ServedNetwork(
                model: model,
                version: version,
                graph: stage.graph,
                weights: stage.weights,
                outputs: outputs,
                policy: policy
            )
        }
        self.extractor = extractor.map { served($0) }
        self.main = served(
            main,
            outputs + (decoder == nil ? [] : Self.startingStates(of: main.graph).map(\.name))
        )
        self.decoder = decoder.map { stage in
            let looksAtMemory = stage.graph.outputs.contains { $0.name == Self.attention }
            return served(stage, ServedNetwork.usualOutputs + (looksAtMemory ? [Self.attention] : []))
        }
        dense = Result { () throws(ShapeError) in
            guard main.graph.inputShape.rank == 3 else { throw ShapeError("it takes no images") }
            let graph = try FullyConvolutional.graph(main.graph)
            return served((graph, Weights(main.weights, for: graph)))
        }
        classMaps = Result { () throws(ShapeError) in
            guard main.graph.inputShape.rank == 3 else { throw ShapeError("it takes no images") }
            let maps = try ClassMaps(main.graph)
            guard let name = maps.bias else { return (maps.graph, []) }
            guard let bias = main.weights.remaining(name, of: main.graph) else {
                throw ShapeError("the bias '\(name)' is packed, and gone")
            }
            return (maps.graph, bias.values)
        }
    }

    /// The output of a decoder that has the weight of each row of its memory.
    private static let attention = "attention"

    /// The outputs of what reads for a decoder, beside the memory: the state from which the decoder starts, in the order in
    /// which that has it.
    private static func startingStates(of graph: Graph) -> [(name: String, value: Graph.Value)] {
        graph.outputs.filter { $0.name != "logits" }
    }

    /// Whether the decoder starts from a state that is handed out behind the memory, not from the encoder's own.
    package var handsOutState: Bool { !Self.startingStates(of: main.graph).isEmpty }

    /// What was handed out for the decoder: the memory, and the state from which it starts.
    package func parts(of numbers: [Float]) -> (memory: [Float], state: [Float]) {
        let states = Self.startingStates(of: main.graph)
        let count = states.reduce(0) { $0 + main.graph.shape(of: $1.value).elementCount }
        return (Array(numbers.dropLast(count)), Array(numbers.suffix(count)))
    }

    /// Whether the decoder hands out, behind its logits, how much it looked at each row of its memory.
    package var handsOutAttention: Bool { decoder?.outputs.contains(Self.attention) ?? false }

    /// The network whose output are the score maps of the classes, and the bias that each position of a map has; no bias
    /// where the maps are those of the last layer as they are.
    ///
    /// - Throws: `ShapeError` that says why the network has no class score maps.
    package func classScoreMaps() throws(ShapeError) -> (network: ServedNetwork, bias: [Float]) {
        let (graph, bias) = try classMaps.get()
        return (derived.network(for: .classMaps) { derive(graph) }, bias)
    }

    /// The network whose output is a value that `main` computes.
    ///
    /// - Parameters:
    ///   - value: which: one that `Graph.value(named:)` or `features` gives.
    ///   - isAveraged: whether a map is averaged over its positions, which leaves a number for each channel.
    /// - Returns: a network that the engine forgets when it has nothing to do for it.
    package func network(giving value: Graph.Value, isAveraged: Bool = false) -> ServedNetwork {
        derived.network(for: .value(value, isAveraged: isAveraged)) {
            derive(ValueNetwork.graph(main.graph, giving: value, isAveraged: isAveraged))
        }
    }

    /// A network of the numbers of `main`, which the engine forgets when it has nothing to do for it.
    private func derive(_ graph: Graph) -> ServedNetwork {
        ServedNetwork(
            model: main.model,
            version: main.version,
            graph: graph,
            weights: Weights(main.weights, for: graph),
            policy: main.policy,
            isLasting: false
        )
    }

    /// What runs for an answer.
    package var networks: [ServedNetwork] { [extractor, main, decoder].compactMap(\.self) }

    /// All that may have run, the one that slides too.
    package var allNetworks: [ServedNetwork] { networks + [try? dense.get()].compactMap(\.self) }

    /// What the numbers of all networks take in memory, packed or not.
    package var bytes: Int { networks.reduce(0) { $0 + $1.weights.bytes } }
}
