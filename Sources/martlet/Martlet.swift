internal import API
internal import ArgumentParser
internal import Platform

/// The one binary: every subcommand is a file beside this one.
///
/// Exit status: 0 done, 1 failed, 2 wrong usage.
@main
struct Martlet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Serves trained image classifiers and recurrent networks over HTTP.",
        version: Version.current,
        subcommands: [
            Serve.self, Classify.self, Detect.self, Propose.self, Segment.self, CaptionCommand.self,
            Predict.self, Generate.self,
            ModelsCommand.self, Inspect.self, Check.self,
            Evaluate.self, Compare.self, Calibrate.self, Explain.self, Embed.self, IndexCommand.self,
            Bench.self, Run.self, TensorCommand.self, GoldenCommand.self, Doctor.self, Probe.self,
            Reload.self, Unload.self, KeyCommand.self, Pull.self, Completions.self,
        ]
    )

    static func main() {
        do {
            var command = try parseAsRoot()
            // The daemon has something to finish when it is asked to end, and listens for itself.
            if !(command is Serve) { try Interrupts.listen() }
            try command.run()
        } catch {
            end(with: error)
        }
    }

    /// Prints what `error` says — to standard output if it is the help that was asked for — and ends the process.
    private static func end(with error: any Error) -> Never {
        if exitCode(for: error) == .success { exit(withError: error) }
        if error is UsageError {
            ProcessEnd.fail(status: 2, "\(name) \(error)")
        }
        if exitCode(for: error) == .validationFailure {
            ProcessEnd.fail(status: 2, fullMessage(for: error))
        }
        ProcessEnd.fail(status: 1, "\(name) \(error)")
    }

    /// What messages begin with.
    private static var name: String { Terminal(.error).styled("martlet:", .red) }
}

/// The command line or a setting is wrong, which a person can mend.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
