internal import Engine
internal import Imaging
internal import Inference
package import Support
internal import Zoo

/// Reads the `config.json` of a timm snapshot as a manifest.
///
/// timm writes many keys, so those that do not matter here are skipped, and null is as good as absent. What matters
/// and cannot be meant, or changes the network into one that is not served, is an error that names its place.
/// Labels are the `label_names`, not their descriptions, or the `id2label` of transformers. To serve a network that timm calls otherwise: a row in
/// `Architecture.libraryNames`.
package enum TimmConfiguration {
    /// What older versions put before a name to tell whose weights they are; `resnet50.tv_in1k` was `tv_resnet50`.
    private static let formerPrefixes = ["tv_", "gluon_", "ssl_", "swsl_", "ig_", "adv_", "ens_adv_"]

    /// Arguments of timm's constructors that change nothing at inference; `in_chans` and `global_pool` are checked.
    private static let harmlessArguments = [
        "num_classes", "drop_rate", "drop_path_rate", "drop_block_rate", "proj_drop_rate", "aux_logits",
        "memory_efficient",
    ]
    /// `fast…` names the same mean, computed in another way.
    private static let averagePools = ["avg", "fast", "fastavg"]

    private static let provenanceKeys = [
        "tag", "license", "description", "origin_url", "paper_name", "paper_ids",
    ]

    /// Reads the text of a `config.json`.
    ///
    /// - Throws: `FormatError` with the first thing that is wrong and where.
    package static func manifest(parsing bytes: [UInt8]) throws(FormatError) -> Manifest {
        let document = try JSONReader(Manifest.document(parsing: bytes)).members()
        let name = try architecture(document)
        // Early versions wrote everything into one object.
        let details = try document.given("pretrained_cfg")?.members() ?? document
        try checkNetwork(document, details)
        let classes = try document.given("num_classes", or: details)?.integer(in: 1...10_000_000)
        let preprocessing = try TimmPreprocessing.read(details)
        return Manifest(
            architecture: name,
            task: .imageClassification,
            classes: classes,
            labels: try labels(document, details, classes).map(Manifest.Labels.inline),
            weights: nil,
            checkpoint: nil,
            prefix: "",
            options: [:],
            input: .image(preprocessing),
            pooling: .last,
            scoring: Scoring(),
            output: nil,
            target: nil,
            boxes: nil,
            overlap: nil,
            regions: nil,
            map: nil,
            vector: nil,
            memory: .fast,
            shape: [:],
            warmShapes: [],
            serving: ServingPolicy(),
            versions: nil,
            versionLabels: [],
            provenance: provenance(document, details),
            inputSource: ManifestPreprocessing.json(preprocessing)
        )
    }

    /// Our name of the network, without the tag of the weights.
    private static func architecture(_ document: JSONFields) throws(FormatError) -> String {
        guard let reader = document.given("architecture") else { throw missingArchitecture(document) }
        var name = try reader.string().prefix { $0 != "." }
        if let known = Architecture.libraryNames[String(name)] { return known }
        if let prefix = formerPrefixes.first(where: { name.hasPrefix($0) }) {
            name = name.dropFirst(prefix.count)
            if name.hasSuffix("_v1b") { name = name.dropLast(4) }
        }
        return String(name)
    }

    private static func missingArchitecture(_ document: JSONFields) -> FormatError {
        let expected = "expected a timm configuration, with 'architecture' and 'pretrained_cfg'"
        guard document.given("model_type", "architectures") != nil else {
            return FormatError(document.path, "'architecture' is missing; \(expected)")
        }
        let advice = "describe the model in a model.json instead"
        return FormatError(document.path, "\(expected), found one of transformers; \(advice)")
    }

    /// Requires that the network is the one that the name stands for.
    private static func checkNetwork(_ document: JSONFields, _ details: JSONFields) throws(FormatError) {
        try checkPool(document.given("global_pool"))
        if let offset = details.given("label_offset"), try offset.integer(in: 0...1_000_000) > 0 {
            let advice = "save the model again with a newer timm"
            throw offset.fault("expected 0, found \(offset.value.text): \(advice)")
        }
        guard let arguments = try document.given("model_args")?.members() else { return }
        try checkPool(arguments.given("global_pool"))
        try arguments.given("in_chans").map(TimmPreprocessing.checkChannels)
        let allowed = harmlessArguments + ["global_pool", "in_chans"]
        for member in arguments.object.members where member.value != .null && !allowed.contains(member.key) {
            let message = "expected only arguments that leave the network as it is"
            throw FormatError(arguments.place(member.key), "\(message): \(allowed.joined(separator: ", "))")
        }
    }

    private static func checkPool(_ reader: JSONReader?) throws(FormatError) {
        guard let reader else { return }
        let pool = try reader.string()
        guard averagePools.contains(pool) else {
            throw reader.fault("expected 'avg', which all networks here have, found '\(pool)'")
        }
    }

    private static func provenance(_ document: JSONFields, _ details: JSONFields) -> JSONValue {
        var object: JSONObject = ["source": .string(ManifestFile.timm.rawValue)]
        for key in provenanceKeys { object.append(key, details.given(key, or: document)?.value) }
        return .object(object)
    }
}

extension TimmConfiguration {
    private static func labels(
        _ document: JSONFields,
        _ details: JSONFields,
        _ classes: Int?
    ) throws(FormatError) -> [String]? {
        let reader = document.given("label_names", or: details) ?? document.given("labels", "id2label")
        guard let reader else { return nil }
        switch reader.value {
        case .array(let elements) where elements.isEmpty: return nil
        case .object(let object) where object.members.isEmpty: return nil
        default: return try LabelFile.names(reader, classes: classes)
        }
    }

    /// Whether a model without labels was trained on ImageNet-1k, for all that its configuration says.
    package static func isImageNet1k(_ manifest: Manifest) -> Bool {
        guard manifest.classes == ImageNet1k.names.count else { return false }
        guard case .string(let tag)? = manifest.provenance?["tag"] else { return true }
        return tag.contains("in1k")
    }
}

extension JSONFields {
    /// The member under the first of `keys` that has one; null counts as none.
    func given(_ keys: String...) -> JSONReader? {
        keys.lazy.compactMap(optional).first { $0.value != .null }
    }

    /// The member under `key` here, or else in another object.
    fileprivate func given(_ key: String, or other: JSONFields) -> JSONReader? {
        given(key) ?? other.given(key)
    }
}
