internal import API
internal import ArgumentParser
internal import FoundationEssentials
internal import Platform
internal import Support

/// `martlet key NAME >> FILE`: makes a key, shows it once, and prints the line by which the daemon knows it.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make a key for clients of the daemon, and its line in the file of keys.",
        discussion: """
            The line goes to standard output, so that '>> FILE' appends it; the key itself goes to standard error, once: the \
            line has only its SHA-256. The setting 'keys' names the file, which is read again at SIGHUP and by 'martlet \
            reload'. Clients send 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'. A second 'sha256:…' in a line is a second \
            key of the same name, for as long as its holders change over.
            """
    )

    @Argument(help: "Who will have it: letters, digits, '.', '_' and '-'; what logs call the client.")
    var name: String

    @Option(
        help: "infer (ask models), admin (load and unload them, metrics), or infer,admin. (default: infer)"
    )
    var scope: String?

    @Option(help: "Which models it opens: names with commas between, in which * stands for any letters.")
    var models: String?

    @Option(help: "How many requests a second.")
    var rate: String?

    @Option(help: "How many requests at once, after a time without any. (default: those of a second)")
    var burst: String?

    @OptionGroup var output: OutputOption

    func run() throws {
        let key = Self.newKey()
        let options = [("scope", scope), ("models", models), ("rate", rate), ("burst", burst)].compactMap {
            name,
            value in value.map { (name: name, value: $0) }
        }
        let line: String
        do {
            line = try KeyFile.line(name, digest: AccessKey.Digest(of: Array(key.utf8)), options: options)
        } catch {
            throw UsageError(error.description)
        }
        if !output.isJSON { StandardStream.error.writeLine("the key, which is not kept anywhere: \(key)") }
        output.print(
            json: .object(["name": .string(name), "key": .string(key), "line": .string(line)]),
            text: line
        )
    }

    /// 32 bytes of the system's randomness, in letters that a URL and a header may have (RFC 4648 §5).
    private static func newKey() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let text = Data(bytes).base64EncodedString().utf8.map { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return "mk-" + String(decoding: text.filter { $0 != UInt8(ascii: "=") }, as: UTF8.self)
    }
}
