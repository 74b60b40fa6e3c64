internal import ArgumentParser
internal import Platform

/// `martlet probe`: asks a daemon whether it is ready, for health checks where there is no other client.
struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running daemon whether it is ready.",
        discussion: """
            Without --url, the daemon of MARTLET_LISTEN or MARTLET_HOST and MARTLET_PORT, and the file of MARTLET_CONFIG, is \
            asked. The status is 0 when it answers 200, and 1 when it answers otherwise, does not answer or does not listen.
            """
    )

    @Option(help: "What is asked for, such as http://127.0.0.1:8080/livez.")
    var url: String?

    @Option(help: "How many seconds the answer may take.")
    var timeout = 5

    func validate() throws {
        guard 1...3600 ~= timeout else {
            throw ValidationError("--timeout: expected 1 to 3600, found \(timeout)")
        }
    }

    func run() throws {
        let address = try url.map(DaemonAddress.init(url:)) ?? DaemonAddress.configured()
        let path = address.path ?? "/readyz"
        let target = "http://\(address.text)\(path)"
        let reply: HTTPReply
        do throws(SystemError) {
            reply = try HTTPReply(to: "GET", path, at: address, timeout: .seconds(timeout))
        } catch {
            throw CommandError("\(target): \(error)")
        }
        let body = String(decoding: reply.body, as: UTF8.self)
        guard reply.status == 200 else {
            throw CommandError("\(target): expected status 200, found status \(reply.status): \(body)")
        }
        StandardStream.output.writeLine(body)
    }
}
