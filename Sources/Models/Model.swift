package import Engine
package import Inference
package import Imaging
package import ONNX
package import Support
internal import Synchronization
package import Zoo

/// A model that is loaded and can be run: its manifest, network, weights, labels and input rule.
///
/// It never changes, and what it holds goes with it.
package final class Model: Sendable {
    /// What a request's input is prepared by.
    package enum Input: Sendable {
        case image(Preprocessing)
        /// Images of which the pipeline's extractor makes features, region by region.
        case regions(Preprocessing)
        case sequence(SequenceEncoder)
        /// Clips of images, which the pipeline's extractor makes features of; at most `maxLength` in one.
        case frames(Preprocessing, maxLength: Int)
        /// Tensors as the network takes them.
        case tensors(NetworkPorts)
    }

    package let name: String
    package let version: String
    package let manifest: Manifest
    package let architecture: Architecture
    package let pipeline: Pipeline
    /// The networks for shapes that requests choose; nil where they choose none.
    package let shapes: NetworksByShape?
    package let input: Input
    /// The names of the classes, when the manifest has them.
    package let labels: [String]?
    /// What a model of sequences to sequences writes.
    package let target: Target?
    /// From which outputs of the network an answer is read.
    package let head: Head
    /// What images are searched in, or what is wrong with it; nil when there is none.
    package let index: Result<SearchIndex, FormatError>?
    /// What may be meant but hardly is, in sentences for the operator.
    package let warnings: [String]
    /// How many classes there are, or values of a regression; 0 where an answer is of neither.
    package let classes: Int
    /// How many trained numbers the network has; running statistics are not counted, as in papers.
    package let parameterCount: Int
    /// When a request last asked for it, in requests for models; the registry's.
    let lastUse = Atomic(0)

    package init(
        name: String,
        version: String,
        manifest: Manifest,
        architecture: Architecture,
        main: Pipeline.Stage,
        extractor: Pipeline.Stage? = nil,
        decoder: Pipeline.Stage? = nil,
        input: Input,
        labels: [String]?,
        target: Target? = nil,
        head: Head = .logits,
        open: (file: OpenFile, network: ImportedNetwork)? = nil,
        weightsFile: String = WeightsFile.names[0],
        index: Result<SearchIndex, FormatError>? = nil,
        warnings: [String] = []
    ) throws(FormatError) {
        self.name = name
        self.version = version
        self.manifest = manifest
        self.architecture = architecture
        pipeline = Pipeline(
            model: name,
            version: version,
            policy: manifest.serving,
            main: main,
            extractor: extractor,
            decoder: decoder,
            outputs: head.outputs
        )
        let network = pipeline.main
        shapes = open.map { NetworksByShape(of: $0.file, beside: network, $0.network, manifest) }
        self.input = input
        self.head = head
        self.labels = labels
        self.target = target
        self.index = index?.flatMap { index in
            index.fault(beside: main.weights.digest).map(Result.failure) ?? .success(index)
        }
        self.warnings = warnings + (self.index?.failure.map { [$0.description] } ?? [])
        parameterCount = LayerTable([main, extractor, decoder].compactMap { $0?.graph }).totals.parameters
        let numbers = [main, extractor, decoder].compactMap { $0?.weights.firstNotFinite }
        if let parameter = numbers.first {
            throw FormatError(weightsFile, "tensor '\(parameter)' holds a number that is not finite")
        }
        classes = try Self.classes(
            of: decoder?.graph ?? main.graph,
            architecture,
            head,
            isVector: manifest.task == .embedding
        )
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

    /// What makes probabilities of its logits.
    package var scoring: Scoring { manifest.scoring }
    /// The network that answers, or that reads for the decoder.
    package var network: ServedNetwork { pipeline.main }
    package var graph: Graph { network.graph }
    package var weights: Weights { network.weights }
    /// What its numbers and its index take in memory.
    package var bytes: Int { pipeline.bytes + (index?.success?.bytes ?? 0) + (shapes?.bytes ?? 0) }
    /// What runs for an answer: the extractor of a model that takes frames, the network, and its decoder.
    package var networks: [ServedNetwork] { pipeline.networks }

    private static func classes(
        of graph: Graph,
        _ architecture: Architecture,
        _ head: Head,
        isVector: Bool
    ) throws(FormatError) -> Int {
        switch head {
        case .boxes(let head): return head.classes
        case .classMap(let head): return head.classes
        case .vector, .tensors: return 0
        case .logits, .regions:
            guard let logits = graph.outputs.first(where: { $0.name == "logits" }) else {
                throw FormatError("architecture", "'\(architecture.name)' has no output 'logits'")
            }
            guard !isVector else {
                guard graph.features != nil else {
                    throw FormatError("task", "'\(architecture.name)' has no last layer with features")
                }
                return 0
            }
            return graph.shape(of: logits.value).elementCount
        }
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

    /// The network that slides over a whole image and averages its score map.
    ///
    /// - Throws: `ServingError` with status 400 when a layer of the network cannot slide.
    package func dense() throws(ServingError) -> ServedNetwork {
        do {
            return try pipeline.dense.get()
        } catch {
            throw .invalidParameter(
                "crops",
                expected: "another mode, as '\(architecture.name)' cannot slide over an image (\(error))",
                found: CropMode.dense.rawValue
            )
        }
    }

    /// What tells the weights of all networks from others: a digest of their names, shapes and numbers.
    package func weightsDigest() -> [UInt8] { networks.flatMap(\.weights.digest) }
}
