internal import Engine
internal import Platform
internal import Serving
internal import Zoo

/// The network behind a name on the command line, with its weights.
struct NamedNetwork {
    let name: String
    let architecture: Architecture
    let graph: Graph
    /// What makes the answer of the graph's output, where that is not the answer.
    let decoder: Graph?
    /// A model's; an architecture's are made up by the session, since they may be as large as a model's.
    private let weights: Weights?
    private let tuning: Tuning

    var isSequence: Bool { architecture.input == .sequence }

    /// The layers of the network and of its decoder.
    var table: LayerTable { decoder.map { LayerTable(graph, $0) } ?? LayerTable(graph) }

    /// A model as it is loaded, its network laid out for images of another size if one is given.
    init(_ model: Model, imageSize: ImageSide? = nil) throws {
        name = model.name
        architecture = model.architecture
        weights = model.weights
        decoder = model.decoder?.graph
        tuning = .off // the model has its own
        if let imageSize, model.graph.inputShape.rank == 3 {
            graph = try model.graph.reshaped(to: [
                model.graph.inputShape[0], imageSize.height, imageSize.width,
            ])
        } else {
            graph = model.graph
        }
    }

    /// An architecture without weights; its sessions have synthetic ones.
    init(
        _ architecture: Architecture,
        _ configuration: ArchitectureConfiguration,
        tuning: Tuning
    ) throws {
        name = architecture.name
        self.architecture = architecture
        graph = try architecture.graph(configuration)
        decoder = try architecture.decoderGraph(configuration)
        weights = nil
        self.tuning = tuning
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
            throw CommandError("'\(name)' is neither a model of \(models.path) nor an architecture\(hint)")
        }
        return try NamedNetwork(
            architecture,
            recurrent.configuration(of: architecture, input: input),
            tuning: models.tuning()
        )
    }

    /// A session of its own for the command.
    func session(threads: Int) -> Session {
        Session(
            graph: graph,
            weights: weights ?? Weights(synthetic: 1, for: graph, tuning: tuning),
            pool: WorkerPool(threads: threads)
        )
    }

    /// An item of synthetic numbers: an image, or a sequence of so many steps.
    func sampleItem(steps: Int) -> Tensor {
        let shape: Shape =
            switch (isSequence, graph.inputShape.rank) {
            case (false, _): graph.inputShape
            case (true, 1): [steps]
            case (true, _): [steps, graph.inputShape[1]]
            }
        // Tokens are indices into the embedding's table, of which every one has a row 0.
        if isSequence, shape.rank == 1 {
            return Tensor(shape: shape, values: Array(repeating: 0, count: steps))
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
