internal import ArgumentParser
internal import Platform
internal import Support

/// `martlet doctor`: looks at the machine and the models for what keeps martlet from working well, and says what to do.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for what keeps martlet from working well on this machine, and say what to do.",
        discussion: """
            The settings are those of the environment and of the file of MARTLET_CONFIG, as 'martlet serve' has them. The \
            status is 1 when something is wrong; what could be better alone leaves it 0.
            """
    )

    @OptionGroup var models: ModelsOption
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        let findings =
            MachineExamination().findings
            + ServiceExamination(models: models, threads: threads.count).findings
        let wrong = findings.count { $0.state == .wrong }
        output.print(
            json: .object([
                "healthy": .bool(wrong == 0), "findings": .array(findings.map { .object($0.json) }),
            ]),
            text: text(findings)
        )
        if wrong > 0 { throw CommandError("\(wrong) \(wrong == 1 ? "thing is" : "things are") wrong") }
    }

    private func text(_ findings: [Finding]) -> String {
        let width = findings.map(\.subject.count).max() ?? 0
        let terminal = output.terminal
        return findings.map { finding in
            let space = String(repeating: " ", count: width - finding.subject.count)
            let state = terminal.styled(finding.state.word, finding.state.style)
            let advice = finding.advice.map { "\n" + String(repeating: " ", count: 8) + "→ \($0)" } ?? ""
            return "\(state)  \(finding.subject)\(space)  \(finding.found)\(advice)"
        }.joined(separator: "\n")
    }
}

/// One thing that was looked at.
struct Finding {
    /// How it is.
    enum State: String {
        case good
        /// It works, and could work better.
        case improvable
        case wrong

        /// All of one width.
        var word: String {
            switch self {
            case .good: "ok    "
            case .improvable: "better"
            case .wrong: "WRONG "
            }
        }

        var style: Terminal.Style {
            switch self {
            case .good: .green
            case .improvable: .yellow
            case .wrong: .red
            }
        }
    }

    let state: State
    let subject: String
    let found: String
    /// What to do; nil when nothing is to be done.
    let advice: String?

    init(_ subject: String, _ found: String) {
        self.init(.good, subject, found, advice: nil)
    }

    init(_ state: State, _ subject: String, _ found: String, advice: String?) {
        self.state = state
        self.subject = subject
        self.found = found
        self.advice = advice
    }

    var json: JSONObject {
        var json: JSONObject = [
            "state": .string(state.rawValue), "subject": .string(subject), "found": .string(found),
        ]
        json.append("advice", advice.map { .string($0) })
        return json
    }
}
