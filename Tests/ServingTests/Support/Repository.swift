import Platform

/// The repository that this test is in.
enum Repository {
    private static let root =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
    /// The bundled models.
    static let weights = root + "/weights"
    /// What PyTorch's encoder–decoders do with the weights of `TranslationModel`.
    static let translations = root + "/Tests/ZooTests/Fixtures/translate.safetensors"

    /// A small network as an ONNX file.
    static let classifier = root + "/Tests/ServingTests/Fixtures/classifier.onnx"

    /// The bytes of an example image.
    static func example(_ name: String) throws -> [UInt8] {
        try FileContents.read("\(weights)/examples/\(name)", maxBytes: 1 << 20)
    }
}
