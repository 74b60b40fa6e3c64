internal import ArgumentParser
internal import Platform
internal import Support

/// `martlet reload [MODEL]`: has a running daemon look at its folder, and says what became of each version.
struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a running daemon load what has changed in its folder.",
        discussion: """
            A daemon with keys is sent that of MARTLET_KEY. Without a name everything is looked at, as at SIGHUP; a named model is loaded even if it was unloaded. Ends when \
            all is loaded: with 0, or with 1 when something was not.
            """
    )

    @Argument(help: "The model's name; all models when there is none.", completion: .models)
    var modelName: String?

    @OptionGroup var daemon: DaemonOption
    @OptionGroup var output: OutputOption

    func run() throws {
        if let modelName {
            _ = try daemon.post("/v2/repository/models/\(DaemonOption.segment(modelName))/load")
            return output.print(json: .object(["model": .string(modelName)]), text: "\(modelName) is loaded")
        }
        let answer = try daemon.post("/v1/models:reload")
        guard case .array(let changes)? = answer["models"] else {
            throw CommandError("expected 'models' in the daemon's answer; is it another version?")
        }
        let rows = changes.map { change in
            ["name", "version", "outcome", "reason"].map { change.string($0) ?? "" }
        }
        output.print(
            json: answer,
            text: TextTable(columns: ["model", "version", "outcome", "reason"], rows: rows).text
        )
        let failed = rows.count { $0[2] == "failed" }
        guard failed == 0 else { throw CommandError("\(failed) versions were not loaded") }
    }
}

/// `martlet unload MODEL`: has a running daemon let go of a model.
struct Unload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a running daemon let go of a model until it is loaded again.",
        discussion: "Requests in flight are answered; the folder is left as it is."
    )

    @Argument(help: "The model's name.", completion: .models)
    var modelName: String

    @OptionGroup var daemon: DaemonOption
    @OptionGroup var output: OutputOption

    func run() throws {
        _ = try daemon.post("/v2/repository/models/\(DaemonOption.segment(modelName))/unload")
        output.print(json: .object(["model": .string(modelName)]), text: "\(modelName) is unloaded")
    }
}

/// `--url`: which daemon to speak to.
struct DaemonOption: ParsableArguments {
    @Option(
        name: .customLong("url"),
        help: "The daemon, as http://HOST:PORT; else the host and port of the settings."
    )
    var url: String?

    @Option(name: .customLong("timeout"), help: "Seconds to wait for the answer.")
    var seconds = 600

    func validate() throws {
        guard 1...86_400 ~= seconds else {
            throw ValidationError("--timeout must be 1 to 86400, found \(seconds)")
        }
        do throws(UsageError) {
            if let url { _ = try DaemonAddress(url: url) }
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// Sends a request without a body.
    ///
    /// - Returns: the answer's JSON; an empty object for an empty answer.
    /// - Throws: `CommandError` with the daemon's own words when it refuses, or why it cannot be reached.
    func post(_ path: String) throws -> JSONValue {
        let address = try url.map(DaemonAddress.init(url:)) ?? DaemonAddress.configured()
        let answer: HTTPReply
        do throws(SystemError) {
            answer = try HTTPReply(
                to: "POST",
                path,
                at: address,
                timeout: .seconds(seconds)
            )
        } catch {
            throw CommandError("no answer from http://\(address.text): \(error)")
        }
        let json = answer.body.isEmpty ? JSONValue.object([:]) : (try? JSONValue(parsing: answer.body))
        guard answer.status == 200, let json else {
            throw CommandError(json?.string("error") ?? "the daemon answered with status \(answer.status)")
        }
        return json
    }

    /// A name as a stretch of a path (RFC 3986 §2.1).
    static func segment(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain = byte.isLetter || byte.isDigit || "._-".utf8.contains(byte)
            return isPlain
                ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension JSONValue {
    /// The string under a key; nil where there is none.
    fileprivate func string(_ key: String) -> String? {
        guard case .string(let text)? = self[key] else { return nil }
        return text
    }
}
