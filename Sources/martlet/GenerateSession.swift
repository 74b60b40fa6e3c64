internal import Models
internal import Platform
internal import Support
internal import Synchronization
internal import Tasks

/// `martlet generate` on a terminal: prompts that a person types, and the texts that go on from them.
///
/// A line is edited as the terminal lets it be. Ctrl-C stops the text that is made, or drops the line; Ctrl-D leaves.
struct GenerateSession {
    /// What Ctrl-C stops; nil while a line is typed.
    private final class Current: Sendable {
        let stop = Mutex<Cancellation?>(nil)
    }

    private static let prompt = "> "
    /// Of the session, what a text goes on from at most.
    private static let mostContext = 4000
    private static let help = """
        a line             the model goes on from it; an empty one lets it begin, or go on
        /temperature N     below 1 the likely becomes likelier; 0 takes the likeliest
        /top-k N, /top-p N draw from so many of the likeliest tokens, from those of this probability
        /max-tokens N      how long a text may become
        /seed N            the same seed gives the same text; /seed alone draws one for each text
        /context on|off    whether a text goes on from all that was said here, or from the line alone
        /forget            what was said here is no context any more
        /help              this; Ctrl-C stops a text, Ctrl-D leaves
        """

    private let model: Model
    private let writer: TextWriter
    private let terminal: Terminal
    private var options: TextGenerator.Options
    /// Nil draws one for each text.
    private var seed: UInt64?
    private var keepsContext = false
    private var context = ""

    init(
        _ model: Model,
        _ engine: CommandEngine,
        _ options: TextGenerator.Options,
        seed: UInt64?,
        _ terminal: Terminal
    ) {
        self.model = model
        self.options = options
        self.seed = seed
        self.terminal = terminal
        writer = TextWriter(model, engine)
    }

    /// Reads lines until there are no more.
    ///
    /// - Throws: `SystemError` when the terminal cannot be read.
    mutating func run() throws {
        let current = Current()
        let shown = terminal.styled(Self.prompt, .bold)
        let action = Interrupts.act { signal in
            guard signal == Interrupts.keyboard else { return false }
            if let stop = current.stop.withLock({ $0 }) {
                stop.cancel()
            } else {
                StandardStream.output.write(text: "\n" + shown)
            }
            return true
        }
        StandardStream.output.writeLine(
            "\(model.name), version \(model.version); /help says what can be said"
        )
        var lines = LineReader()
        while true {
            StandardStream.output.write(text: shown)
            guard let line = try lines.next() else { break }
            if line.hasPrefix("/") {
                StandardStream.output.writeLine(obey(line))
            } else {
                let stop = Cancellation()
                current.stop.withLock { $0 = stop }
                answer(line, until: stop)
                current.stop.withLock { $0 = nil }
            }
        }
        StandardStream.output.write(text: "\n")
        _ = consume action // until here it is heard
    }

    private mutating func answer(_ line: String, until stop: Cancellation) {
        options.seed = seed ?? TextWriter.newSeed()
        let prompt = keepsContext ? String((context + line).suffix(Self.mostContext)) : line
        do {
            let (generation, text) = try writer.write(prompt, options, isShown: true, until: stop)
            if keepsContext { context = prompt + text }
            StandardStream.output.write(text: "\n")
            let rate = threeDigits(Double(generation.tokens) / max(generation.compute / .seconds(1), 1e-9))
            let facts = "\(generation.tokens) tokens, \(rate) a second, seed \(generation.seed)"
            StandardStream.output.writeLine(terminal.styled("[\(facts)]", .dim))
        } catch {
            StandardStream.output.writeLine(terminal.styled("\(error)", .red))
        }
    }

    /// Does what a line that begins with a slash says.
    ///
    /// - Returns: what is said to that.
    private mutating func obey(_ line: String) -> String {
        let words = line.split(separator: " ").map(String.init)
        let value = words.count > 1 ? words[1] : nil
        let number = value.flatMap { Double($0) }
        switch (words[0], number) {
        case ("/help", _): return Self.help
        case ("/temperature", .some(let number)) where 0...100 ~= number:
            options.sampling.temperature = number
        case ("/top-p", .some(let number)) where number > 0 && number <= 1: options.sampling.topP = number
        case ("/top-k", .some(let number)) where number >= 1 && number <= 1e6:
            options.sampling.topK = Int(number)
        case ("/top-k", nil) where value == nil: options.sampling.topK = nil
        case ("/max-tokens", .some(let number)) where number >= 1 && number <= 65_536:
            options.maxTokens = Int(number)
        case ("/seed", _) where value == nil: seed = nil
        case ("/seed", _) where value.flatMap { UInt64($0) } != nil: seed = value.flatMap { UInt64($0) }
        case ("/context", _) where value == "on" || value == "off": keepsContext = value == "on"
        case ("/forget", _): context = ""
        default: return "'\(line.clipped(to: 80))' is nothing that can be said here; /help says what can"
        }
        return terminal.styled(settings, .dim)
    }

    private var settings: String {
        let parts: [String?] = [
            "temperature \(options.sampling.temperature)", options.sampling.topK.map { "top-k \($0)" },
            "top-p \(options.sampling.topP)", "max-tokens \(options.maxTokens)",
            "seed \(seed.map { "\($0)" } ?? "drawn")", "context \(keepsContext ? "on" : "off")",
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }
}
