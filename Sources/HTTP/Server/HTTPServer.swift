internal import HTTPTypes
package import Platform
internal import Synchronization

/// An HTTP/1.1 server: one event loop moves bytes, workers call the handler, bounded queues join them.
///
/// What it guarantees: a slow or hostile client costs memory within the configured limits and no thread;
/// answers leave in the order of their requests; full means an immediate 503. A started server runs until `drain`.
package final class HTTPServer: Sendable {
    private struct Running {
        let loop: EventLoop
        let port: Int
    }

    private let rules: ConnectionRules
    private let handler: RequestHandler
    private let queue: BoundedQueue<Job>
    private let running = Mutex<Running?>(nil)
    private let loopThreads = ThreadGroup()
    private let workerThreads = ThreadGroup()

    /// - Parameters:
    ///   - configuration: where to listen and how much to take on.
    ///   - renderError: phrases the server's own refusals.
    ///   - handler: answers requests, on as many threads at once as there are workers.
    package init(
        configuration: HTTPServerConfiguration,
        renderError: @escaping ErrorRenderer,
        handler: @escaping RequestHandler
    ) {
        rules = ConnectionRules(configuration: configuration, renderError: renderError)
        self.handler = handler
        queue = BoundedQueue(capacity: configuration.queueCapacity)
    }

    /// Binds, listens and starts the threads; call it once.
    ///
    /// - Throws: `SystemError` such as `listen 0.0.0.0:8080: address already in use (EADDRINUSE)`.
    package func start() throws(SystemError) {
        let configuration = rules.configuration
        let listener = try Socket.listen(host: configuration.host, port: configuration.port)
        let port = try listener.localPort
        let loop = try EventLoop(listener: listener, rules: rules, queue: queue)
        running.withLock { running in
            precondition(running == nil, "the server on port \(port) was started twice")
            running = Running(loop: loop, port: port)
        }
        do {
            for i in 0..<configuration.workers {
                try workerThreads.start(name: "http-worker-\(i)") { [self] in work() }
            }
            try loopThreads.start(name: "http-loop") { loop.run() }
        } catch {
            running.withLock { $0 = nil }
            queue.close()
            workerThreads.join()
            throw error
        }
    }

    /// The TCP port it listens on; the configured one before `start`.
    package var port: Int {
        running.withLock { $0?.port } ?? rules.configuration.port
    }

    /// What it is doing now and has done so far.
    package var statistics: HTTPServerStatistics {
        rules.counters.statistics(queued: queue.count)
    }

    /// Stops accepting, answers what has begun with `Connection: close`, and returns when all threads have ended.
    ///
    /// - Parameter deadline: what is unfinished by then is cancelled and its connection closed. A handler that
    ///   does not heed its cancellation is still waited for.
    package func drain(deadline: Duration) {
        guard let loop = running.withLock({ $0?.loop }) else { return }
        loop.drain(until: .now + deadline)
        loopThreads.join()
        queue.close()
        workerThreads.join()
    }

    private func work() {
        while let job = queue.take() {
            // The client left while the request waited: nobody will read what this says.
            guard !job.request.cancellation.isCancelled else {
                job.answer(Response(status: .serviceUnavailable))
                continue
            }
            rules.counters.active.add(1, ordering: .relaxed)
            answer(job)
            rules.counters.active.subtract(1, ordering: .relaxed)
        }
    }

    private func answer(_ job: Job) {
        let response = handler(job.request)
        guard let produce = response.stream,
            ResponseEncoder.hasBody(response, isHead: job.request.method == .head)
        else { return job.answer(response) }
        let channel = BodyChannel(writeTimeout: rules.configuration.writeTimeout) { job.bodyArrived() }
        job.answer(response, channel)
        do {
            try produce(channel)
            channel.finish(.complete)
        } catch {
            channel.finish(.truncated) // the client is told by the end of its connection
        }
    }
}
