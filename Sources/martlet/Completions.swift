internal import ArgumentParser
internal import FoundationEssentials
internal import Platform
internal import Zoo

/// `martlet completions SHELL`: what has a shell complete commands, options, models and files.
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what completes martlet's commands in bash, zsh or fish.",
        discussion: """
            Where they are looked for:
              bash  martlet completions bash > ~/.local/share/bash-completion/completions/martlet
              zsh   martlet completions zsh > FOLDER/_martlet, for a FOLDER of $fpath
              fish  martlet completions fish > ~/.config/fish/completions/martlet.fish
            The Debian package has them in their places.
            """
    )

    @Argument(
        help: "bash, zsh or fish; by default the shell of $SHELL.",
        completion: .list(["bash", "zsh", "fish"])
    )
    var shell: String?

    func run() throws {
        let path = ProcessInfo.processInfo.environment["SHELL"] ?? ""
        let name = shell ?? path.split(separator: "/").last.map(String.init) ?? ""
        guard let shell = CompletionShell(rawValue: name) else {
            throw UsageError("expected bash, zsh or fish, found '\(name)'")
        }
        print(Martlet.completionScript(for: shell))
    }
}

extension CompletionKind {
    /// The models of the folder that the line names, or of the environment's.
    static let models = CompletionKind.custom { words, _, prefix in
        names(words).filter { $0.hasPrefix(prefix) }
    }

    /// The same, and the architectures.
    static let networks = CompletionKind.custom { words, _, prefix in
        (names(words) + Architecture.all.map(\.name)).filter { $0.hasPrefix(prefix) }
    }

    /// Files of images.
    static let images = CompletionKind.file(extensions: ["jpg", "jpeg", "png", "gif", "webp", "bmp"])

    /// The architectures.
    static let architectures = CompletionKind.list(Architecture.all.map(\.name))

    private static func names(_ words: [String]) -> [String] {
        var option = ModelsOption()
        option.folder = words.lastIndex(of: "--models").flatMap { index in
            words.indices.contains(index + 1) ? words[index + 1] : nil
        }
        // A folder that cannot be read completes nothing.
        return (try? option.names()) ?? []
    }
}
