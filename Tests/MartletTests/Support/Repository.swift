import Foundation

/// Where things lie in the checkout that these tests were built from.
enum Repository {
    static let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
    /// The bundled models.
    static let weights = root.appending(path: "weights")

    /// The bytes of an example image.
    static func example(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: weights.appending(path: "examples").appending(path: name)))
    }

    /// The environment of a process under test: ours without settings, and nothing measured or kept outside the checkout.
    static let environment: [String: String] = {
        let ours = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MARTLET_") }
        return ours.merging(["MARTLET_TUNE": "false"]) { $1 }
    }()

    /// The daemon that was built together with the running test bundle.
    static let daemon: URL = {
        let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return bundle.deletingLastPathComponent().appending(path: "martlet")
    }()
}
