import Platform

/// The repository that this test is in.
enum Repository {
    /// The bundled models.
    static let weights =
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(4).joined(separator: "/") + "/weights"

    /// The bytes of an example image.
    static func example(_ name: String) throws -> [UInt8] {
        try FileContents.read("\(weights)/examples/\(name)", maxBytes: 1 << 20)
    }
}
