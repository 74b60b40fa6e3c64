internal import Engine
internal import Imaging
internal import ONNX
internal import Platform
internal import Support
internal import Zoo

/// Reads one version of a model from its folder: manifest, labels, vocabulary, network, weights.
///
/// Loading reads everything into memory and checks every name and shape: what happens to the files afterwards changes
/// nothing.
struct ModelLoader {
    /// The folder of the version.
    let folder: String
    /// The file there that describes the model.
    let manifestFile: ManifestFile
    /// How the algorithms of convolutions are chosen.
    let tuning: Tuning

    private static let maxTextBytes = 64 << 20

    /// Reads the file that describes the model.
    ///
    /// - Throws: `SystemError`, `FormatError`.
    func manifest() throws -> Manifest {
        // A `config.json` may hold the names and descriptions of tens of thousands of classes.
        let maxBytes =
            switch manifestFile {
            case .martlet: 1 << 20
            case .timm: Self.maxTextBytes
            case .onnx: ImportedNetwork.maxFileBytes
            }
        let names = try DirectoryListing.names(in: folder)
        return try manifestFile.manifest(
            parsing: FileContents.read(path(manifestFile.rawValue), maxBytes: maxBytes),
            isImported: names.contains(ManifestFile.onnx.rawValue)
        )
    }

    /// Loads the model that a manifest describes.
    ///
    /// - Throws: an error whose description says what is wrong in which file.
    func model(_ manifest: Manifest, name: String, version: String) throws -> Model {
        if manifest.isImported { return try importedModel(manifest, name: name, version: version) }
        let architecture = try Architecture.named(manifest.architecture)
        try check(manifest.task, fits: architecture)
        let input = try input(manifest)
        let labels = try labels(manifest)
        let weightsFile = try weightsFile(manifest)
        let source = try WeightsFile.open(path(weightsFile), checkpoint: manifest.checkpoint)
        let file = manifest.prefix.isEmpty ? source : try source.removing(prefix: manifest.prefix)
        var configuration = ArchitectureConfiguration()
        configuration.classes = manifest.classes
        configuration.options = manifest.options
        configuration.shapes = file.shapes
        configuration.pooling = manifest.pooling
        try check(manifest.input, fits: architecture)
        try check(manifest.task, takes: manifest.input)
        configuration.imageSize = manifest.input.imageSize
        if case .sequence(let encoder) = input { configuration.sequenceInput = encoder.input }
        let graph = try architecture.graph(configuration)
        let extractor = try architecture.extractor(configuration)
        let decoder = try architecture.decoderGraph(configuration)
        if let extractor { try check(manifest.input.color, fits: extractor.architecture) }
        if architecture.input == .picture {
            try check(manifest.input.color, channels: graph.inputShape[0], of: architecture)
        }
        let partner = extractor?.graph ?? decoder
        let weights = try weights(
            file,
            manifest,
            graph,
            partner,
            ignoring: { extractor?.ignores($0) ?? architecture.ignores($0) }
        )
        let second = partner.flatMap { graph in weights.second.map { (graph: graph, weights: $0) } }
        return try Model(
            name: name,
            version: version,
            manifest: manifest,
            architecture: architecture,
            main: (graph, weights.first),
            extractor: extractor == nil ? nil : second,
            decoder: decoder == nil ? nil : second,
            input: input,
            labels: labels,
            target: target(manifest),
            head: manifest.head(graph, extractor?.graph),
            weightsFile: weightsFile,
            index: SearchIndex.find(in: folder),
            warnings: manifestFile == .martlet ? manifest.warnings : []
        )
    }

    /// Loads a model whose network says itself what it is.
    private func importedModel(_ manifest: Manifest, name: String, version: String) throws -> Model {
        let file = manifest.weights ?? ManifestFile.onnx.rawValue
        let labels = try labels(manifest)
        let imported = try ImportedModel(
            path: path(file),
            name: file,
            manifest,
            classes: manifest.classes ?? labels?.count
        )
        let weights = Weights(
            imported.network.tensors,
            for: imported.graph,
            memory: manifest.memory,
            tuning: tuning
        )
        return try Model(
            name: name,
            version: version,
            manifest: manifest,
            architecture: imported.architecture,
            main: (imported.graph, weights),
            input: imported.ports.map(Model.Input.tensors) ?? input(manifest),
            labels: labels,
            head: imported.head,
            open: imported.file.map { ($0, imported.network) },
            weightsFile: file,
            warnings: manifestFile == .martlet ? manifest.warnings : []
        )
    }

    /// The numbers of a network, and of the one that runs before or after it.
    private func weights(
        _ file: any WeightsSource,
        _ manifest: Manifest,
        _ graph: Graph,
        _ partner: Graph?,
        ignoring: @escaping (String) -> Bool
    ) throws -> (first: Weights, second: Weights?) {
        guard let partner else {
            let weights = try Weights(
                file,
                for: graph,
                ignoring: ignoring,
                memory: manifest.memory,
                tuning: tuning
            )
            return (weights, nil)
        }
        return try Weights.pair(
            file,
            for: graph,
            partner,
            ignoring: ignoring,
            memory: manifest.memory,
            tuning: tuning
        )
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// What an item is prepared by.
    private func input(_ manifest: Manifest) throws -> Model.Input {
        switch manifest.input {
        case .image(let image): manifest.regions == nil ? .image(image) : .regions(image)
        case .frames(let frames): .frames(frames.preprocessing, maxLength: frames.maxLength)
        case .tensors: throw fault("task: '\(manifest.task.rawValue)' needs a 'model.onnx'")
        case .tokens(let description): .sequence(SequenceEncoder(description))
        case .features(let description): .sequence(SequenceEncoder(description))
        case .text(let description):
            .sequence(
                try SequenceEncoder(
                    description,
                    vocabularies: vocabularies(description),
                    isFramed: manifest.task == .sequenceToSequence
                )
            )
        }
    }

    private func vocabularies(_ description: InputDescription.TextDescription) throws -> [String: Vocabulary]
    {
        var vocabularies: [String: Vocabulary] = [:]
        for name in description.vocabularies where vocabularies[name] == nil {
            vocabularies[name] = try vocabulary(name)
        }
        return vocabularies
    }

    private func vocabulary(_ name: String) throws -> Vocabulary {
        try Vocabulary(parsing: FileContents.read(path(name), maxBytes: Self.maxTextBytes), file: name)
    }

    private func target(_ manifest: Manifest) throws -> Target? {
        guard let description = manifest.target else { return nil }
        guard case .text(_, let name, _, _) = description.kind else {
            return try Target(description, vocabulary: nil)
        }
        return try Target(description, vocabulary: vocabulary(name))
    }

    /// Where there are none, the usual name is what is said to be missing.
    private func weightsFile(_ manifest: Manifest) throws -> String {
        try manifest.weights ?? WeightsFile.name(among: DirectoryListing.names(in: folder))
            ?? WeightsFile.names[0]
    }

    private func labels(_ manifest: Manifest) throws -> [String]? {
        switch manifest.labels {
        case nil: try labelsBesideConfiguration(manifest)
        case .inline(let labels): labels
        case .imageNet1k: ImageNet1k.names
        case .file(let name): try labels(in: name, manifest)
        }
    }

    /// `labels.txt`, if there is one, in a snapshot folder, whose file cannot name it; else the names of what it was
    /// trained on, where that is known.
    private func labelsBesideConfiguration(_ manifest: Manifest) throws -> [String]? {
        let name = "labels.txt"
        guard manifestFile != .martlet else { return nil }
        guard try DirectoryListing.names(in: folder).contains(name) else {
            return manifestFile == .timm && TimmConfiguration.isImageNet1k(manifest) ? ImageNet1k.names : nil
        }
        return try labels(in: name, manifest)
    }

    private func labels(in name: String, _ manifest: Manifest) throws -> [String] {
        try LabelFile.labels(
            parsing: FileContents.read(path(name), maxBytes: Self.maxTextBytes),
            file: name,
            classes: manifest.classes
        )
    }

    private func check(_ input: InputDescription, fits architecture: Architecture) throws {
        switch (architecture.input, input) {
        case (_, .tensors), (.regions, _): return // of which tasks have made sure
        case (.image, .image(let preprocessing)): try check(preprocessing.color, fits: architecture)
        case (.sequence, .text), (.sequence, .tokens), (.sequence, .features), (.frames, .frames),
            (.picture, .image):
            return
        case (.image, _), (.picture, _):
            let does = architecture.hasDecoder ? "describes" : "classifies"
            throw fault("task: '\(architecture.name)' \(does) images, not sequences")
        case (.sequence, .image):
            throw fault("task: '\(architecture.name)' takes sequences, not images")
        case (.sequence, .frames):
            throw fault("input.kind: '\(architecture.name)' takes no frames")
        case (.frames, _):
            throw fault("input.kind: '\(architecture.name)' takes frames, found '\(input.kind)'")
        }
    }

    private func check(_ color: ColorMode?, fits architecture: Architecture) throws {
        guard case .image(let channels, _, _) = architecture.input else { return }
        try check(color, channels: channels, of: architecture)
    }

    private func check(_ color: ColorMode?, channels: Int, of architecture: Architecture) throws {
        guard let color, color.channels != channels else { return }
        let message =
            "'\(color.rawValue)' has \(color.channels), but '\(architecture.name)' takes \(channels) channels"
        throw fault("preprocessing.color: \(message)")
    }

    private func check(_ task: Manifest.Task, takes input: InputDescription) throws {
        let name = task.rawValue
        if task == .sequenceRegression, case .frames = input {
            throw fault("task: no '\(name)' takes frames; a classification does")
        }
        guard case .text(let description) = input else {
            guard task == .textGeneration else { return }
            throw fault("input.kind: a model for '\(name)' takes text, found '\(input.kind)'")
        }
        guard [.textGeneration, .sequenceToSequence].contains(task) || description.start == nil else {
            throw fault("input.start: only a model for 'text-generation' has one, found '\(name)'")
        }
        guard task == .sequenceToSequence || description.end == nil else {
            throw fault("input.end: only a model for 'sequence-to-sequence' has one, found '\(name)'")
        }
        guard description.features.isEmpty || task != .textGeneration else {
            throw fault("input.features: a model for '\(name)' has tokens, not their features")
        }
        guard description.features.isEmpty || (description.start ?? description.end) == nil else {
            throw fault("input.features: 'start' and 'end' have none; leave these or the features out")
        }
    }

    private func check(_ task: Manifest.Task, fits architecture: Architecture) throws {
        guard !task.isImportedOnly || architecture.input == .regions else {
            throw fault("task: '\(task.rawValue)' needs a 'model.onnx', found '\(architecture.name)'")
        }
        guard architecture.hasDecoder else {
            guard task.hasTarget else { return }
            throw fault(
                "architecture: '\(task.rawValue)' needs one with a decoder, found '\(architecture.name)'"
            )
        }
        let own: Manifest.Task = architecture.input == .picture ? .imageCaptioning : .sequenceToSequence
        guard task != own else { return }
        throw fault("task: '\(architecture.name)' is for '\(own.rawValue)', found '\(task.rawValue)'")
    }

    private func fault(_ message: String) -> FormatError { FormatError(manifestFile.rawValue, message) }
}
