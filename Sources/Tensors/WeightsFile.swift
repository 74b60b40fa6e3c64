internal import Platform

/// Which file of a model's folder has its weights, and what kind of file that is.
///
/// To read another format: its names here, its reader in `open`.
package enum WeightsFile {
    /// What weights are called where nobody says; of several that are there the first counts.
    package static let names = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        "model.pth", "model.pt", "model.bin",
    ]
    /// How the names of files of weights end.
    package static let endings = [".safetensors", ".pth", ".pt", ".bin", ".ckpt"]

    /// What else lies beside them: golden answers, and the index of a search.
    private static let others = ["golden.safetensors", "index.safetensors"]

    /// The file with the weights.
    ///
    /// - Parameter names: those of the folder.
    /// - Returns: one of the usual names, else the only file that is called like weights; else nil.
    package static func name(among names: [String]) -> String? {
        if let usual = Self.names.first(where: names.contains) { return usual }
        let candidates = names.filter { name in
            !others.contains(name)
                && endings.contains { name.utf8.reversed().starts(with: $0.utf8.reversed()) }
        }
        return candidates.count == 1 ? candidates[0] : nil
    }

    /// Whether a file is the index of several.
    package static func isIndex(_ name: String) -> Bool {
        name.utf8.reversed().starts(with: ".index.json".utf8.reversed())
    }

    /// Opens a file of weights, whatever its kind: its first bytes say, not its name.
    ///
    /// - Parameters:
    ///   - path: of the file, or of the index of several.
    ///   - checkpoint: which network of a PyTorch file is meant; nil for the only one.
    /// - Returns: its tensors, of which none has been read yet.
    /// - Throws: `TensorFileError` when it cannot be used.
    package static func open(
        _ path: String,
        checkpoint: String? = nil
    ) throws(TensorFileError) -> any WeightsSource {
        if isIndex(path) { return try ShardedWeights(index: path) }
        let beginning = try beginning(of: path)
        // The header of a safetensors file begins behind 8 bytes of length, which may be any, those of a pickle too.
        let isSafetensors = beginning.count > 8 && beginning[8] == UInt8(ascii: "{") && checkpoint == nil
        let isPyTorch = !isSafetensors && (PyTorchFile.isOne(beginning: beginning) || checkpoint != nil)
        // What is called a checkpoint and is none is told so in the words for one.
        let isCalledSo = [".pth", ".pt", ".bin", ".ckpt"].contains {
            path.utf8.reversed().starts(with: $0.utf8.reversed())
        }
        return isPyTorch || isCalledSo && !isSafetensors
            ? try PyTorchFile(path: path, checkpoint: checkpoint) : try Safetensors(path: path)
    }

    private static func beginning(of path: String) throws(TensorFileError) -> [UInt8] {
        do throws(SystemError) {
            let file = try ReadableFile(path: path)
            return file.kind == .regular ? try file.bytes(9, at: 0) : []
        } catch {
            throw TensorFileError(path: path, problem: .unreadable(error))
        }
    }
}
