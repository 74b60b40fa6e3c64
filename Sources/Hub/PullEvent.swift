/// What happens while a model is pulled.
package enum PullEvent: Sendable, Equatable {
    /// A file begins to come, of which some is there already.
    case began(String, bytes: Int?, have: Int)
    /// More of it has come; less than none where it begins anew.
    case received(Int)
    /// It is there, and its SHA-256 is computed.
    case checking(String)
    /// Something has failed for the moment.
    case waiting(Duration, reason: String)
}

/// A file that has come.
package struct PulledFile: Sendable, Equatable {
    package let name: String
    package let bytes: Int
    /// In hexadecimal digits.
    package let sha256: String
    /// How many of its bytes were there from an earlier try.
    package let resumed: Int
}

/// What pulling will bring, or has brought.
package struct PullPlan: Sendable {
    /// What the model will be called.
    package let model: String
    /// Where it will lie.
    package let path: String
    /// What it comes from: the repository or the address.
    package let source: String
    /// The commit of the repository.
    package let revision: String?
    package let licence: Licence?
    /// Where a person reads about it.
    package let page: String
    package let architecture: String
    /// What is written of the model's description and labels.
    let texts: [(name: String, bytes: [UInt8])]
    /// What comes of weights.
    let weights: [RemoteFile]

    /// What will lie in the folder: names and, where they are known, sizes in bytes.
    package var files: [(name: String, bytes: Int?)] {
        texts.map { ($0.name, $0.bytes.count) } + weights.map { ($0.name, $0.size) }
    }

    /// What a person should know about the licence.
    package var licenceWarning: String? { licence?.warning(page: page) }
}
