internal import Support

/// The file of a model's folder that describes the model; of several the first case counts.
enum ManifestFile: String, CaseIterable {
    /// Martlet's own.
    case martlet = "model.json"
    /// What timm writes beside the weights.
    case timm = "config.json"
    /// A network that says itself what it is.
    case onnx = "model.onnx"

    /// The one among the names of a folder's files; nil when there is none.
    init?(among names: [String]) {
        guard let file = Self.allCases.first(where: { names.contains($0.rawValue) }) else { return nil }
        self = file
    }

    /// Reads the file's text.
    ///
    /// - Parameters:
    ///   - bytes: of the file.
    ///   - isImported: whether a `model.onnx` lies beside it, so that an architecture need not be named.
    /// - Returns: the manifest.
    /// - Throws: `FormatError` that begins with the file's name.
    func manifest(parsing bytes: [UInt8], isImported: Bool = false) throws(FormatError) -> Manifest {
        do {
            switch self {
            case .martlet:
                return try Manifest(Manifest.document(parsing: bytes), isImported: isImported)
            case .timm: return try TimmConfiguration.manifest(parsing: bytes)
            case .onnx: return try Manifest(ImportedModel.usualManifest(parsing: bytes), isImported: true)
            }
        } catch {
            throw FormatError(rawValue, error.description)
        }
    }
}
