internal import HTTPTypes
package import Platform
internal import Synchronization

/// An HTTP/1.1 server: event loops move bytes and call the handler, which answers at once or lets others answer.
///
/// What it guarantees: a slow or hostile client costs memory within the budget and no thread; answers leave in the
/// order of their requests; full means an immediate 503. A started server runs until `drain`.
package final class HTTPServer: Sendable {
    private struct Running {
        let loops: [EventLoop]
        let port: Int
    }

    /// What else the process opens: files of weights, logs, the loop's own.
    private static let reservedDescriptors = 256

    private let rules: ConnectionRules
    private let handler: RequestHandler
    private let running = Mutex<Running?>(nil)
    private let threads = ThreadGroup()

    /// - Parameters:
    ///   - configuration: where to listen and how much to take on.
    ///   - budget: what bodies and answers are leased from.
    ///   - renderError: phrases the server's own refusals.
    ///   - admit: decides about requests by their heads.
    ///   - log: takes the account of each request.
    ///   - handler: answers requests; it is called on a loop's thread.
    package init(
        configuration: HTTPServerConfiguration,
        budget: MemoryBudget,
        renderError: @escaping ErrorRenderer,
        admit: @escaping AdmissionRule = { _, _ in .accept() },
        log: AccessLog? = nil,
        handler: @escaping RequestHandler
    ) {
        var configuration = configuration
        // Half of them, where there are few: a connection over the limit needs one too.
        let descriptors = DescriptorLimit.raise()
        let room = max(descriptors / 2, descriptors - Self.reservedDescriptors)
        configuration.maxConnections = min(configuration.maxConnections, room)
        rules = ConnectionRules(
            configuration: configuration,
            budget: budget,
            renderError: renderError,
            admit: admit,
            log: log
        )
        self.handler = handler
    }

    /// Listens where the configuration says, and starts the loops; call it once.
    ///
    /// - Throws: `SystemError` such as `listen 0.0.0.0:8080: address already in use (EADDRINUSE)`.
    package func start() throws(SystemError) {
        let configuration = rules.configuration
        try start(on: [Listener(.tcp(host: configuration.host, port: configuration.port))])
    }

    /// Starts the loops on sockets that listen already; call it once.
    ///
    /// - Parameter listeners: which no other server has taken.
    /// - Throws: `SystemError` when the system has no descriptor or thread left to give.
    package func start(on listeners: [Listener]) throws(SystemError) {
        let ports = listeners.compactMap { if case .tcp(_, let port) = $0.address { port } else { nil } }
        let group = try LoopGroup(rules.configuration)
        var loops: [EventLoop] = []
        for index in 0..<group.count {
            loops.append(try EventLoop(index, of: group, rules: rules, handler: handler))
        }
        try loops[0].listen(on: listeners)
        running.withLock { running in
            precondition(running == nil, "a server was started twice")
            running = Running(loops: loops, port: ports.first ?? 0)
        }
        do {
            // The one that accepts comes last, when all others can serve.
            for (index, loop) in loops.enumerated().reversed() {
                try threads.start(name: "http-loop-\(index)") { loop.run() }
            }
        } catch {
            drain(deadline: .zero)
            running.withLock { $0 = nil }
            throw error
        }
    }

    /// The first TCP port it listens on, 0 where it has none; the configured one before `start`.
    package var port: Int {
        running.withLock { $0?.port } ?? rules.configuration.port
    }

    /// How often each loop has gone round; `poke` makes them go round once more, so that one that does not hangs.
    package var turns: [Int] { loops.map { $0.turns.load(ordering: .relaxed) } }

    /// Makes the loops go round.
    package func poke() { for loop in loops { loop.poke() } }

    private var loops: [EventLoop] { running.withLock { $0?.loops ?? [] } }

    /// What it is doing now and has done so far.
    package var statistics: HTTPServerStatistics {
        rules.counters.statistics(bufferedBytes: rules.budget.used(for: .bodies))
    }

    /// Stops accepting, answers what has begun with `Connection: close`, and returns when that is done.
    ///
    /// - Parameters:
    ///   - deadline: what is unfinished so long after the grace is cancelled and its connection closed; a handler
    ///     that has not answered by then is not waited for.
    ///   - grace: how long everything goes on as before, so that load balancers can see the readiness probe fail.
    package func drain(deadline: Duration, grace: Duration = .zero) {
        let start = ContinuousClock.now + grace
        for loop in loops { loop.drain(EventLoop.Drain(start: start, deadline: start + deadline)) }
        threads.join()
    }
}
