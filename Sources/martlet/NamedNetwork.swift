internal import Engine
internal import Inference
internal import Models
internal import Platform
internal import Zoo

/// The network behind a name on the command line, with its weights.
struct NamedNetwork {
    /// One of its graphs.
    struct Part {
        let graph: Graph
        /// A model's; an architecture's are made up by the session, since they may be as large as a model's.
        fileprivate var weights: Weights?
        fileprivate var tuning = Tuning.off // a model has its own

        /// A session of its own for the command.
        func session(_ pool: WorkerPool) -> Session {
            Session(
                graph: graph,
                weights: weights ?? Weights(synthetic: 1, for: graph, tuning: tuning),
                pool: pool
            )
        }
    }

    let name: String
    let architecture: Architecture
    /// What makes the features of frames or regions, in a network that takes them.
    let extractor: Part?
    let main: Part
    /// What makes the answer of the main graph's output, where that is not the answer.
    let decoder: Part?

    var isSequence: Bool { [.sequence, .frames].contains(architecture.input) }
    /// All of them, in the order in which they run.
    var parts: [Part] { [extractor, main, decoder].compactMap(\.self) }

    /// A model as it is loaded, its network laid out for images of another size if one is given.
    init(_ model: Model, imageSize: ImageSide? = nil) throws {
        name = model.name
        architecture = model.architecture
        func part(_ network: ServedNetwork) throws -> Part {
            var graph = network.graph
            if let imageSize, graph.inputShape.rank == 3 {
                graph = try graph.reshaped(to: [graph.inputShape[0], imageSize.height, imageSize.width])
            }
            return Part(graph: graph, weights: network.weights)
        }
        main = try part(model.network)
        extractor = try model.pipeline.extractor.map(part)
        decoder = try model.pipeline.decoder.map(part)
    }

    /// An architecture without weights; its sessions have synthetic ones.
    init(
        _ architecture: Architecture,
        _ configuration: ArchitectureConfiguration,
        tuning: Tuning
    ) throws {
        name = architecture.name
        self.architecture = architecture
        main = Part(graph: try architecture.graph(configuration), tuning: tuning)
        extractor = try architecture.extractor(configuration).map { Part(graph: $0.graph, tuning: tuning) }
        decoder = try architecture.decoderGraph(configuration).map { Part(graph: $0, tuning: tuning) }
    }

    /// A model of the folder if it has one of that name, else an architecture.
    static func find(
        _ name: String,
        in models: ModelsOption,
        _ recurrent: RecurrentOption,
        input: ImageSide?
    ) throws -> NamedNetwork {
        if let model = try models.find(name) { return try NamedNetwork(model, imageSize: input) }
        guard let architecture = Architecture.all.first(where: { $0.name == name }) else {
            let known = Architecture.all.map(\.name) + (try models.names())
            let hint = nearestName(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
            throw CommandError(
                "'\(name)' is neither a model of \(try models.path()) nor an architecture\(hint)"
            )
        }
        return try NamedNetwork(
            architecture,
            recurrent.configuration(of: architecture, input: input),
            tuning: models.tuning()
        )
    }
}

extension NamedNetwork.Part {
    /// An item of synthetic numbers: an image, or a sequence of so many steps.
    func sampleItem(steps: Int) -> Tensor {
        let shape: Shape =
            switch graph.inputShape.rank {
            case _ where !graph.takesSequences: graph.inputShape
            case 1: [steps]
            case 2: [steps, graph.inputShape[1]]
            default: graph.inputShape
            }
        // Tokens are indices into the embedding's table, of which every one has a row 0.
        if shape.rank == 1 {
            return Tensor(shape: shape, values: Array(repeating: 0, count: shape.elementCount))
        }
        return SyntheticWeights.tensor("input", shape, seed: 1)
    }
}

/// A command cannot do what it was asked; the message is a sentence for people.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
