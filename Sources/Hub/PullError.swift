internal import Platform

/// Why a model cannot be pulled, in one sentence that says what to do.
package enum PullError: Error, Equatable, CustomStringConvertible {
    /// There is no libcurl.
    case noClient(String)
    /// What was named is no source of models.
    case source(String, expected: String)
    case name(String)
    /// Plain HTTP to another machine.
    case plain(WebAddress)
    /// A setting of the environment that cannot be meant.
    case setting(String, String)
    case unauthorized(String, hasToken: Bool)
    /// Its owner has to be asked first.
    case gated(String, page: String, hasToken: Bool)
    case forbidden(String)
    case notFound(String, hint: String)
    case tooManyRequests(host: String, wait: Duration?)
    case refused(host: String, status: Int, String?)
    case tooManyRedirections(String)
    case unreachable(host: String, String)
    case untrusted(host: String, String)
    case stalled(String, seconds: Int)
    case cutShort(String, have: Int, of: Int?)
    case cancelled
    case transfer(String)
    /// What came is not what a hub answers.
    case answer(host: String, String)
    case wrongSize(String, expected: Int, found: Int)
    case wrongHash(String, expected: String, found: String)
    case full(String, needed: Int, free: Int)
    case exists(String)
    case busy(String)
    /// The repository holds no model that can be served.
    case unusable(String, String)

    package var description: String {
        switch self {
        case .noClient(let reason):
            "pulling needs libcurl, which cannot be loaded (\(reason)): install it with 'apt-get install libcurl4'"
        case .source(let text, let expected): "expected \(expected), found '\(text)'"
        case .name(let name):
            "'\(name)' is no name for a model: 1 to 64 of the characters A-Z a-z 0-9 . _ -; choose one with --name"
        case .plain(let address):
            "'\(address)' is plain http, which anybody on the way can change: use https (http is only for this machine and for "
                + "what HF_ENDPOINT names)"
        case .setting(let name, let expected): "\(name): expected \(expected)"
        case .unauthorized(let what, hasToken: false):
            "\(what) is not there, or not for everybody: check its spelling, or set HF_TOKEN to a token that may read it"
        case .unauthorized(let what, hasToken: true):
            "\(what) is not there, or HF_TOKEN does not open it: check its spelling and the token"
        case .gated(let what, let page, let hasToken):
            "\(what) is gated: ask for access at \(page), then "
                + (hasToken
                    ? "use the token of the account that has it" : "set HF_TOKEN to a token of that account")
        case .forbidden(let what): "\(what) is forbidden to this token; HF_TOKEN must be one that may read it"
        case .notFound(let what, let hint): "\(what) is not there\(hint)"
        case .tooManyRequests(let host, let wait):
            "\(host) was asked too often; try again "
                + (wait.map { "in \(Self.text($0))" } ?? "later") + " (with HF_TOKEN it allows more)"
        case .refused(let host, let status, let message):
            "\(host) answers with status \(status)\(message.map { ": \($0)" } ?? ""); try again later"
        case .tooManyRedirections(let what): "\(what) leads from one address to another and never ends"
        case .unreachable(let host, let reason):
            "\(host) cannot be reached (\(reason)): check the network, or set HTTPS_PROXY"
        case .untrusted(let host, let reason):
            "\(host) cannot be trusted (\(reason)): install ca-certificates, or name your proxy's certificate with SSL_CERT_FILE"
        case .stalled(let what, let seconds):
            "\(what): nothing has come for \(seconds) s; run the command again to go on where it stopped"
        case .cutShort(let what, let have, let count):
            "\(what): the connection ended after \(have)\(count.map { " of \($0)" } ?? "") bytes; run the command again to go on"
        case .cancelled: "stopped"
        case .transfer(let reason): reason
        case .answer(let host, let problem): "\(host) does not answer like a hub: \(problem)"
        case .wrongSize(let file, let expected, let found):
            "\(file) should have \(expected) bytes and has \(found); what came was thrown away: run the command again"
        case .wrongHash(let file, let expected, let found):
            "\(file) is damaged or not what the hub announced: its SHA-256 should be \(expected) and is \(found); what came was "
                + "thrown away: run the command again"
        case .full(let folder, let needed, let free):
            "\(folder) has room for \(free >> 20) MiB, but \(max(1, needed >> 20)) MiB are to come; make room and run the command "
                + "again to go on"
        case .exists(let path):
            "\(path) is there already: pull under another --name, or replace it with --force"
        case .busy(let path): "another pull of the same name is at work (\(path))"
        case .unusable(let what, let reason): "\(what): \(reason)"
        }
    }

    private static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        return seconds < 120 ? "\(seconds) s" : "\((seconds + 59) / 60) min"
    }
}
