internal import HTTP
internal import HTTPTypes
package import Logging
package import Support
internal import Synchronization

/// Who may ask the daemon for what: decided by the head of a request, before any of its body is read.
///
/// In this order: the name that the client calls the daemon by, its key, what that opens, how often it may ask, how many
/// requests its address has. Where none of it is configured a request costs one look at a flag.
package final class Access: Sendable {
    /// What is asked of clients.
    package struct Rules: Sendable, Equatable {
        /// The file of keys; nil where nobody needs one.
        package var keyFile: String?
        /// Whether probes are answered without a key.
        package var probesAreOpen = true
        /// Whether anybody may ask who can reach the daemon.
        package var isOpen = false
        /// Pages of which origins may ask and read answers.
        package var origins: [String] = []
        /// Names for the daemon; empty for any, but on the loopback without keys, where that means `localhost`.
        package var hosts: [String] = []
        /// nil: as many as it can make.
        package var maxRequestsPerAddress: Int?

        package init() {}
    }

    let rules: Rules
    let keys: Mutex<[AccessKey]>
    private let hosts: HostList?
    let crossOrigin: CrossOrigin?
    private let addresses: AddressLimit?
    let failures: Mutex<FailedKeys>
    private let metrics: ServingMetrics
    let logger: Logger
    /// Whether clients of this machine must call it by a name of this machine.
    private let guardsLocalNames = Atomic(false)
    /// Whether anything has to be looked at but what operators ask for.
    private let looks: Atomic<Bool>

    /// Nobody is asked for anything but what `rules` say; `load` reads the keys too.
    ///
    /// - Parameters:
    ///   - rules: what is asked of clients.
    ///   - keys: those that are known, where one is needed.
    ///   - metrics: where refusals are counted.
    ///   - logger: where wrong keys are told.
    package init(
        _ rules: Rules = Rules(),
        keys: [AccessKey.Definition] = [],
        metrics: ServingMetrics,
        logger: Logger = Logger(label: "martlet.access") { _ in SwiftLogNoOpLogHandler() }
    ) {
        self.rules = rules
        self.keys = Mutex(keys.map { AccessKey($0) })
        self.metrics = metrics
        self.logger = logger
        hosts = rules.hosts.isEmpty ? nil : HostList(rules.hosts)
        crossOrigin = CrossOrigin(rules.origins)
        addresses = rules.maxRequestsPerAddress.map(AddressLimit.init)
        failures = Mutex(FailedKeys(now: .now))
        looks = Atomic(rules.keyFile != nil || hosts != nil || crossOrigin != nil || addresses != nil)
    }

    /// Reads the file of keys, where there is one.
    ///
    /// - Throws: `ConfigurationError` when it cannot be read or is none.
    package static func load(
        _ rules: Rules,
        metrics: ServingMetrics,
        logger: Logger
    ) throws(ConfigurationError) -> Access {
        let keys = try rules.keyFile.map(KeyFile.read) ?? []
        return Access(rules, keys: keys, metrics: metrics, logger: logger)
    }

    /// Whether clients need a key.
    package var needsKeys: Bool { rules.keyFile != nil }

    /// Reads the file of keys again; those that stay keep count of how often they were used.
    ///
    /// - Throws: `ConfigurationError` when it cannot be read or is none; the keys are then as before.
    package func reload() throws(ConfigurationError) {
        guard let path = rules.keyFile else { return }
        let definitions = try KeyFile.read(path)
        keys.withLock { keys in
            keys = definitions.map { definition in
                keys.first { $0.definition == definition } ?? AccessKey(definition)
            }
        }
        logger.info("keys loaded", metadata: ["keys": "\(definitions.count)"])
    }

    /// Takes note of where the daemon is about to listen.
    ///
    /// - Parameter addresses: hosts without ports, or paths of UNIX sockets.
    /// - Throws: `ConfigurationError` where one is reached from other machines and nobody said who may ask.
    package func begin(listeningOn addresses: [String]) throws(ConfigurationError) {
        guard !needsKeys, !rules.isOpen else { return }
        if let address = addresses.first(where: { !HostList.isLocal($0) }) {
            throw ConfigurationError(
                "'\(address)' is reached from other machines, and anybody there could use the daemon: set keys to a file of "
                    + "keys ('martlet key' makes one and its line), or open to true if anybody may"
            )
        }
        guard hosts == nil else { return }
        guardsLocalNames.store(true, ordering: .relaxed)
        looks.store(true, ordering: .relaxed)
    }

    /// Decides about a request.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - client: the client's address.
    ///   - admitted: where it leads to; gets the key that it came with and its place among those of its address.
    /// - Returns: the answer to one that leads nowhere or may not go on; nil for one that may.
    func answer(_ head: RequestHead, from client: String, _ admitted: inout Admitted) -> Response? {
        if looks.load(ordering: .relaxed) || admitted.destination.isForOperators {
            if var refusal = refusal(head, client, &admitted) {
                crossOrigin?.mark(&refusal, head.fields)
                return refusal
            }
        }
        guard case .answer(_, var response) = admitted.destination else { return nil }
        guard let crossOrigin else { return response }
        if head.method == .options { return crossOrigin.preflight(head.fields, response) }
        crossOrigin.mark(&response, head.fields)
        return response
    }

    private func refusal(_ head: RequestHead, _ client: String, _ admitted: inout Admitted) -> Response? {
        let scope = admitted.destination.scope
        guard scope != .probe || !rules.probesAreOpen else { return nil }
        if !mayAsk(for: head.host) {
            let message =
                "the daemon is not called '\((head.host ?? "").clipped(to: 100))' here; see allowed_hosts"
            return refuse(.forbidden, "host_forbidden", message, head, admitted)
        }
        // A browser asks whether a page may ask, and has no key for that.
        if case .answer = admitted.destination, head.method == .options { return nil }
        if needsKeys, let refusal = checkKey(head, client, scope, &admitted) { return refusal }
        if scope == .admin, admitted.caller == nil, comesFromForeignPage(head) {
            let message = "a page of another origin may not operate the daemon; see cors_origins"
            return refuse(.forbidden, "origin_forbidden", message, head, admitted)
        }
        guard let addresses, scope == .infer else { return nil }
        admitted.place = addresses.enter(client)
        guard admitted.place == nil else { return nil }
        let most = rules.maxRequestsPerAddress ?? 0
        let message = "the address has \(most) requests here already, as many as max_requests_per_address"
        return refuse(.tooManyRequests, "too_many_requests", message, head, admitted, [.retryAfter: "1"])
    }

    private func mayAsk(for host: String?) -> Bool {
        if let hosts { return hosts.contains(host) }
        return !guardsLocalNames.load(ordering: .relaxed) || Self.localNames.contains(host)
    }

    private static let localNames = HostList([])

    /// Whether a browser says that a page asks which is neither the daemon's own nor of an origin that may.
    private func comesFromForeignPage(_ head: RequestHead) -> Bool {
        guard head.method != .get, head.method != .head, let origin = head.fields[.origin] else {
            return false
        }
        if let host = head.host, origin == "http://\(host)" || origin == "https://\(host)" { return false }
        return !(crossOrigin?.allows(origin) ?? false)
    }

    func refuse(
        _ status: HTTPResponse.Status,
        _ code: String,
        _ message: String,
        _ head: RequestHead,
        _ admitted: Admitted,
        _ fields: HTTPFields = [:]
    ) -> Response {
        let method = Service.label(head.method)
        metrics.accessRefusals.series(code).add()
        metrics.countAnswer(
            route: admitted.destination.route,
            method: method,
            status: status.code,
            took: .zero
        )
        let form = admitted.destination.errors
        var response = Response(json: form.json(status, code: code, message), status: status)
        for field in fields { response.fields.append(field) }
        var values = RequestRecord().values
        values.error = code
        values.caller = admitted.caller?.name
        response.annotation = values
        return response
    }
}

/// What the head of a request has led to: the request brings it along.
struct Admitted: Sendable {
    let destination: Destination
    /// The key that the request came with; nil where none is needed.
    var caller: AccessKey?
    /// The request's place among those of its address, until nobody holds the request.
    var place: AddressLimit.Place?

    init(_ destination: Destination) {
        self.destination = destination
    }
}

extension Destination {
    /// What a key has to open; a path that leads nowhere is nobody's business but clients'.
    fileprivate var scope: Endpoint.Scope {
        if case .endpoint(let endpoint, _) = self { endpoint.scope } else { .infer }
    }

    fileprivate var isForOperators: Bool { scope == .admin }

    /// How its refusals look.
    fileprivate var errors: ErrorForm {
        if case .endpoint(let endpoint, _) = self { endpoint.errors } else { .martlet }
    }

    var model: String? {
        if case .endpoint(_, let captured) = self { captured["model"] } else { nil }
    }

    fileprivate var route: String {
        switch self {
        case .endpoint(let endpoint, _): endpoint.name
        case .answer(let route, _): route
        }
    }
}
