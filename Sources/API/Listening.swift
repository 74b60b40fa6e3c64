internal import HTTP
internal import HTTPTypes
internal import Logging
internal import Platform

/// The sockets that the daemon listens on, before anybody takes connections from them.
struct Listening {
    /// The running servers, and how their clients reach them.
    struct Servers {
        let main: HTTPServer
        /// For operators' routes; its own loop answers when the other has as many connections as it takes.
        let admin: HTTPServer?
        /// The main one's first, such as `http://127.0.0.1:8080` or `unix:/run/martlet/http.sock`.
        let places: [String]

        var all: [HTTPServer] { [main] + [admin].compactMap(\.self) }
    }

    private let main: [Listener]
    private let admin: [Listener]

    /// Whether operators' routes have listeners of their own.
    var hasAdmin: Bool { !admin.isEmpty }

    /// The hosts, or paths of UNIX sockets, at which clients reach it.
    var hosts: [String] { (main + admin).map(\.address.host) }

    /// Listens on the sockets that the service manager has opened, or else where the settings say.
    ///
    /// - Throws: `SystemError` when one of the addresses cannot be listened at.
    init(_ configuration: Configuration, environment: [String: String]) throws(SystemError) {
        let passed = try SocketActivation.listeners(environment: environment)
        main = passed.http.isEmpty ? try configuration.listeners(.listen) : passed.http
        admin = passed.admin.isEmpty ? try configuration.listeners(.adminListen) : passed.admin
    }

    /// Answers on all of them from now on.
    ///
    /// - Throws: `SystemError` when the system has no descriptor or thread left to give.
    func start(
        _ service: Service,
        _ configuration: Configuration,
        _ budget: MemoryBudget,
        _ logger: Logger
    ) throws(SystemError) -> Servers {
        let log = AccessLog(logger, rate: configuration.integer(.accessLog))
        let places = main.map { Self.place($0.address) } + admin.map { "\(Self.place($0.address)) (admin)" }
        func server(loops: Int, _ admit: @escaping AdmissionRule) -> HTTPServer {
            var http = configuration.http
            http.loops = loops
            return HTTPServer(
                configuration: http,
                budget: budget,
                renderError: { Response(status: $0, code: $1, message: $2) },
                admit: admit,
                log: log.write,
                handler: { service.respond(to: $0, $1) }
            )
        }
        let mainServer = server(loops: configuration.http.loops, service.admit)
        let adminServer = admin.isEmpty ? nil : server(loops: 1, service.admitOperator)
        try mainServer.start(on: main)
        try adminServer?.start(on: admin)
        return Servers(main: mainServer, admin: adminServer, places: places)
    }

    private static func place(_ address: ListenAddress) -> String {
        if case .tcp = address { "http://\(address)" } else { "\(address)" }
    }
}
