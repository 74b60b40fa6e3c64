package import Engine
package import Inference
package import Imaging
internal import Platform
package import Support
internal import Synchronization
package import Zoo

/// A model that is loaded and can be run: its manifest, network, weights, labels and input rule.
///
/// It never changes. The weights are pages of the mapped file, shared by whoever holds the model.
package final class Model: Sendable {
    /// What a request's input is prepared by.
    package enum Input: Sendable {
        case image(Preprocessing)
        case sequence(SequenceEncoder)
        /// Clips of images, which the extractor makes features of; at most `maxLength` in one.
        case frames(extractor: Model, maxLength: Int)
    }

    package let name: String
    package let version: String
    package let manifest: Manifest
    package let architecture: Architecture
    /// The network that answers, or that reads for the decoder.
    package let network: ServedNetwork
    package let input: Input
    /// The names of the classes, when the manifest has them.
    package let labels: [String]?
    /// What a model of sequences to sequences writes.
    package let target: Target?
    /// The network that writes it, one token a run, of what this model's own network, the encoder, gives; with a queue of
    /// its own.
    package let decoder: Model?
    /// How many numbers `logits` has, at each step where each has an answer: classes, or values of a regression.
    package let classes: Int
    /// How many trained numbers the network has; running statistics are not counted, as in papers.
    package let parameterCount: Int
    /// The form that slides over whole images, once somebody asked for it.
    private let sliding = Mutex<Model?>(nil)

    package init(
        name: String,
        version: String,
        manifest: Manifest,
        architecture: Architecture,
        graph: Graph,
        weights: Weights,
        input: Input,
        labels: [String]?,
        target: Target? = nil,
        decoder: Model? = nil
    ) throws(FormatError) {
        self.name = name
        self.version = version
        self.manifest = manifest
        self.architecture = architecture
        network = ServedNetwork(
            model: name,
            version: version,
            graph: graph,
            weights: weights,
            policy: manifest.serving
        )
        self.input = input
        self.labels = labels
        self.target = target
        self.decoder = decoder
        var graphs = [graph]
        if case .frames(let extractor, _) = input { graphs.append(extractor.graph) }
        if let decoder { graphs.append(decoder.graph) }
        parameterCount = LayerTable(graphs).totals.parameters
        if let parameter = weights.firstNotFinite {
            throw FormatError(manifest.weights, "tensor '\(parameter)' holds a number that is not finite")
        }
        guard let logits = graph.outputs.first(where: { $0.name == "logits" }) else {
            throw FormatError("architecture", "'\(architecture.name)' has no output 'logits'")
        }
        classes = decoder?.classes ?? graph.shape(of: logits.value).elementCount
        if let declared = manifest.classes, declared != classes {
            throw FormatError("classes", "\(declared), but the last layer has \(classes) rows")
        }
        if let output = manifest.output, output.mean.count != classes {
            throw FormatError(
                "output",
                "scales \(output.mean.count) values, but the last layer has \(classes) rows"
            )
        }
        if let target, target.size != classes {
            throw FormatError(
                "output",
                "the vocabulary has \(target.size) tokens, but the last layer has \(classes) rows"
            )
        }
        if manifest.task == .textGeneration, case .sequence(let encoder) = input {
            try checkGeneration(encoder)
        }
        if let labels, manifest.task.hasClasses, labels.count != classes {
            throw FormatError(
                "labels",
                "expected \(classes) labels for \(classes) classes, found \(labels.count)"
            )
        }
    }

    package var graph: Graph { network.graph }
    package var weights: Weights { network.weights }

    /// What runs for an answer: the extractor of a model that takes frames, the model, and its decoder.
    package var networks: [ServedNetwork] {
        [extractor?.network, network, decoder?.network].compactMap(\.self)
    }

    /// All networks that may have run, the dense form too.
    package var allNetworks: [ServedNetwork] {
        networks + [sliding.withLock { $0?.network }].compactMap(\.self)
    }

    /// What makes the features of frames, in a model that takes them.
    package var extractor: Model? {
        guard case .frames(let extractor, _) = input else { return nil }
        return extractor
    }

    /// Requires of a model that generates text that its text can go on from itself, and from the start it names.
    private func checkGeneration(_ encoder: SequenceEncoder) throws(FormatError) {
        guard graph.isStreamable else {
            throw FormatError("task", "'\(manifest.task.rawValue)' needs a network that reads forwards only")
        }
        if case .text(let description) = manifest.input, let start = description.start {
            do {
                _ = try encoder.encode(text: start)
            } catch {
                throw FormatError("input.start", error.message)
            }
        }
        guard case .tokens(let size) = encoder.input, size != classes else { return }
        throw FormatError(
            "input",
            "the vocabulary has \(size) tokens, but the last layer has \(classes) rows"
        )
    }

    /// The same model as a network that slides over a whole image and averages its score map.
    ///
    /// It shares the numbers of the weights, and has a queue of its own because it runs another graph.
    /// - Throws: `ServingError` with status 400 when a layer of the network cannot slide.
    package func dense() throws(ServingError) -> Model {
        try sliding.withLock { sliding throws(ServingError) in
            if let sliding { return sliding }
            do {
                let graph = try FullyConvolutional.graph(graph)
                let made = try Model(
                    name: name,
                    version: version,
                    manifest: manifest,
                    architecture: architecture,
                    graph: graph,
                    weights: Weights(weights, for: graph),
                    input: input,
                    labels: labels
                )
                sliding = made
                return made
            } catch {
                throw .invalidParameter(
                    "crops",
                    expected: "another mode, as '\(architecture.name)' cannot slide over an image (\(error))",
                    found: CropMode.dense.rawValue
                )
            }
        }
    }

    /// What tells the weights of all networks from others: a digest of their names, shapes and numbers.
    package func weightsDigest() -> [UInt8] { networks.flatMap(\.weights.digest) }
}
