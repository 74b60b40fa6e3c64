internal import Engine
package import ONNX
internal import Platform

/// An ONNX file whose inputs have extents that requests choose.
package struct OpenFile: Sendable {
    package let bytes: [UInt8]
    /// Where external data lies; nil where there is none.
    package let folder: String?
    package let inputs: [OpenInput]
    package let outputs: [OpenInput]
    /// Extents that the manifest gives, which no request changes.
    package let fixed: [String: Int]
    /// The extents of the network that the model is loaded with, as `GivenShapes` has them.
    let dimensions: [String: Int]
    /// What the folder held then.
    private let stamp: FolderStamp?

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - folder: where external data lies.
    ///   - fixed: extents that the manifest gives.
    ///   - dimensions: those of the network that the model is loaded with.
    /// - Throws: `ONNXError` where the bytes are no model.
    package init(
        parsing bytes: [UInt8],
        folder: String?,
        fixed: [String: Int],
        dimensions: [String: Int] = [:]
    ) throws(ONNXError) {
        self.bytes = bytes
        self.folder = folder
        self.fixed = fixed
        self.dimensions = dimensions
        (inputs, outputs) = try OpenInput.ports(parsing: bytes)
        // A folder that cannot be read has no external data either.
        stamp = folder.flatMap { try? FolderStamp(path: $0) }
    }

    /// The same with the extents of a network.
    fileprivate init(_ file: OpenFile, dimensions: [String: Int]) {
        (bytes, folder, inputs, outputs) = (file.bytes, file.folder, file.inputs, file.outputs)
        (fixed, stamp, self.dimensions) = (file.fixed, file.stamp, dimensions)
    }

    /// Whether nobody has written to the folder since the file was read: what lies beside it is what it was.
    var isUnchanged: Bool {
        guard let folder, let stamp else { return true }
        return (try? FolderStamp(path: folder)) == stamp
    }

    /// Whether there is anything that requests may choose.
    package var isOpen: Bool { !inputs.open(beside: fixed).isEmpty }
}

extension OpenFile {
    /// Sides of images, and other extents, that are tried one after the other where nobody says any: not every network takes
    /// every shape.
    private static let tried = [(224, 16), (256, 128), (512, 1024), (64, 16_384)]

    /// The network for shapes that somebody gives or, where nobody does, for the first of some that it can take; and the file
    /// with these.
    ///
    /// - Parameters:
    ///   - file: which leaves extents open.
    ///   - extents: by what they are called; nil where nobody says any.
    /// - Returns: both.
    /// - Throws: `ONNXError`: where it can take none, that of the first.
    static func network(
        of file: OpenFile,
        for extents: [String: Int]?
    ) throws(ONNXError) -> (network: ImportedNetwork, file: OpenFile) {
        if let extents { return try file.network(extents) }
        var fault: ONNXError?
        for (side, extent) in tried {
            var extents: [String: Int] = [:]
            for (key, places) in file.inputs.open(beside: file.fixed) {
                let isSide = places.contains { $0.input.extents.count == 4 && $0.axis > 1 }
                extents[key] = isSide ? side : extent
            }
            do throws(ONNXError) {
                return try file.network(extents)
            } catch {
                fault = fault ?? error
            }
        }
        throw fault ?? .malformed("the file has no input")
    }

    private func network(
        _ extents: [String: Int]
    ) throws(ONNXError) -> (network: ImportedNetwork, file: OpenFile) {
        let given = try given(extents)
        let options = ImportedNetwork.Options(dimensions: given.dimensions)
        let network = try ImportedNetwork(parsing: bytes, folder: folder, options: options)
        return (network, OpenFile(self, dimensions: given.dimensions))
    }

    /// What a request has whose inputs have these extents.
    ///
    /// - Throws: `ONNXError` that names an open extent that is not given.
    func given(_ extents: [String: Int]) throws(ONNXError) -> GivenShapes {
        let all = fixed.merging(extents) { own, _ in own }
        guard let shapes = inputs.shapes(all) else {
            let missing = inputs.open(beside: all).map { "'\($0.key)'" }.joined(separator: ", ")
            throw .malformed("the extents \(missing) are open, and none is given")
        }
        return try GivenShapes(shapes, for: inputs, fixed: fixed)
    }
}
