/// What became of one version of a model when somebody asked for it to be loaded, looked at again, or unloaded.
package struct ModelChange: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        case loaded
        /// It answers as before: nothing of its folder has changed.
        case unchanged
        /// It is not loaded before a request asks for it, or somebody asks for it to be.
        case unloaded
        /// It is not in the folder any more.
        case removed
        /// Why it was not loaded; one that worked before works on.
        case failed(String)
    }

    package let model: String
    package let version: String
    package let outcome: Outcome

    /// Why it was not loaded; nil when that is not so.
    package var failure: String? { if case .failed(let reason) = outcome { reason } else { nil } }
}
