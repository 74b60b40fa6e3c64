internal import Engine
internal import Imaging
internal import Platform
internal import Zoo

/// Reads one version of a model from its folder: manifest, labels, vocabulary, network, weights.
///
/// Loading maps the weights and checks every name and shape; no number is read or copied unless the file holds
/// half-precision floats.
struct ModelLoader {
    /// The folder of the version.
    let folder: String

    private static let maxManifestBytes = 1 << 20
    private static let maxTextBytes = 64 << 20

    /// Reads `model.json`.
    ///
    /// - Throws: `SystemError`, `FormatError`.
    func manifest() throws -> Manifest {
        let bytes = try FileContents.read(path("model.json"), maxBytes: Self.maxManifestBytes)
        do {
            return try Manifest(parsing: bytes)
        } catch {
            throw FormatError("model.json", error.description)
        }
    }

    /// Loads the model that a manifest describes.
    ///
    /// - Throws: an error whose description says what is wrong in which file.
    func model(_ manifest: Manifest, name: String, version: String) throws -> Model {
        let architecture = try Architecture.named(manifest.architecture)
        let input = try input(manifest)
        let labels = try labels(manifest)
        let file = try Safetensors(path: path(manifest.weights))
        var configuration = ArchitectureConfiguration()
        configuration.classes = manifest.classes
        configuration.options = manifest.options
        configuration.shapes = file.shapes
        configuration.pooling = manifest.pooling
        try check(manifest.input, fits: architecture)
        configuration.imageSize = manifest.input.imageSize
        configuration.sequenceInput = sequenceInput(input, manifest.input)
        let graph = try architecture.graph(configuration)
        let weights = try Weights(file, for: graph, ignoring: architecture.ignores)
        return try Model(
            name: name,
            version: version,
            manifest: manifest,
            architecture: architecture,
            graph: graph,
            weights: weights,
            input: input,
            labels: labels
        )
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func input(_ manifest: Manifest) throws -> Model.Input {
        switch manifest.input {
        case .image(let preprocessing): .image(preprocessing)
        case .tokens(let description): .sequence(SequenceEncoder(description))
        case .features(let description): .sequence(SequenceEncoder(description))
        case .text(let description):
            .sequence(try SequenceEncoder(description, vocabulary: vocabulary(description.vocabulary)))
        }
    }

    private func vocabulary(_ name: String?) throws -> Vocabulary? {
        guard let name else { return nil }
        let bytes = try FileContents.read(path(name), maxBytes: Self.maxTextBytes)
        return try Vocabulary(parsing: bytes, file: name)
    }

    private func labels(_ manifest: Manifest) throws -> [String]? {
        switch manifest.labels {
        case nil: nil
        case .inline(let labels): labels
        case .file(let name):
            try TextLines.split(FileContents.read(path(name), maxBytes: Self.maxTextBytes), file: name)
        }
    }

    private func check(_ input: InputDescription, fits architecture: Architecture) throws {
        switch (architecture.input, input) {
        case (.image(let channels, _, _), .image(let preprocessing)):
            guard preprocessing.color.channels != channels else { return }
            let color = preprocessing.color
            let message =
                "'\(color.rawValue)' has \(color.channels), but '\(architecture.name)' takes \(channels) channels"
            throw FormatError("model.json", "preprocessing.color: \(message)")
        case (.sequence, .text), (.sequence, .tokens), (.sequence, .features): return
        case (.image, _):
            throw FormatError("model.json", "task: '\(architecture.name)' classifies images, not sequences")
        case (.sequence, .image):
            throw FormatError("model.json", "task: '\(architecture.name)' takes sequences, not images")
        }
    }

    private func sequenceInput(_ input: Model.Input, _ description: InputDescription) -> SequenceInput? {
        guard case .sequence(let encoder) = input else { return nil }
        if case .features = description { return .features(encoder.size) }
        return .tokens(encoder.size)
    }
}

extension InputDescription {
    /// The size of what preprocessing makes of every image; nil when it keeps the image's own.
    fileprivate var imageSize: (height: Int, width: Int)? {
        guard case .image(let preprocessing) = self else { return nil }
        if let crop = preprocessing.crop { return (crop.height, crop.width) }
        guard case .exact(let height, let width) = preprocessing.resize else { return nil }
        return (height + 2 * preprocessing.pad, width + 2 * preprocessing.pad)
    }
}
