internal import ArgumentParser
internal import Engine
internal import Platform
internal import Serving
internal import Zoo

/// `martlet bench NAME`: how fast the engine runs a model, or an architecture with synthetic weights.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of a model, or of an architecture with synthetic weights."
    )

    @Argument(help: "A model of the folder, or an architecture.")
    var name: String?

    @Option(help: "An architecture, even if a model has the same name.")
    var architecture: String?

    @Option(help: "Items in a batch.")
    var batch = 1

    @Option(help: "How long to measure.")
    var seconds = 3.0

    @Option(
        help: "Side of the square image or HEIGHTxWIDTH; features of a step for a recurrent architecture."
    )
    var input: ImageSide?

    @Option(name: .customLong("sequence-length"), help: "Steps of each sequence.")
    var steps = 32

    @Flag(help: "Also time each operation.")
    var profile = false

    @OptionGroup var recurrent: RecurrentOption
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        guard (name == nil) != (architecture == nil) else {
            throw ValidationError("give either NAME or --architecture")
        }
        guard batch >= 1, batch <= 4096 else {
            throw ValidationError("--batch must be 1 to 4096, found \(batch)")
        }
        guard seconds > 0, seconds <= 3600 else {
            throw ValidationError("--seconds must be above 0 and at most 3600, found \(seconds)")
        }
        guard (1...1 << 16).contains(steps) else {
            throw ValidationError("--sequence-length must be 1 to 65536, found \(steps)")
        }
    }

    func run() throws {
        let network = try namedNetwork()
        let session = network.session(threads: threads.count)
        let item = network.sampleItem(steps: steps)
        try session.prepare(inputShape: item.shape, batch: batch)
        let report = try BenchReport(
            network: network,
            itemShape: item.shape,
            batch: batch,
            threads: threads.count,
            latencies: measure(session, item)
        )
        let lines = profile ? self.lines(session, item) : nil
        var json = report.json
        json.append("peak_gflops", lines?.peakJSON)
        json.append("profile", lines?.json)
        output.print(
            json: .object(json),
            text: ([report.text] + [lines?.text].compactMap(\.self)).joined(separator: "\n\n")
        )
    }

    private func lines(_ session: Session, _ item: Tensor) -> BenchProfile {
        for index in 0..<batch { item.withSpan { session.setInput(index, to: $0) } }
        return BenchProfile(profile: session.profile(runs: 5))
    }

    private func namedNetwork() throws -> NamedNetwork {
        guard let architecture else {
            return try NamedNetwork.find(name ?? "", in: models, recurrent, input: input)
        }
        let named = try Architecture.named(architecture)
        return try NamedNetwork(
            named,
            recurrent.configuration(of: named, input: input),
            tuning: models.tuning()
        )
    }

    /// The duration of each run, after two that are not counted; at least three.
    private func measure(_ session: Session, _ item: Tensor) -> [Duration] {
        let clock = ContinuousClock()
        func runOnce() -> Duration {
            for index in 0..<batch { item.withSpan { session.setInput(index, to: $0) } }
            return clock.measure { _ = session.run() }
        }
        _ = runOnce()
        _ = runOnce()
        var latencies: [Duration] = []
        let start = clock.now
        while latencies.count < 3 || clock.now - start < .seconds(seconds) { latencies.append(runOnce()) }
        return latencies
    }
}

/// What `bench` prints.
struct BenchReport {
    let model: String
    let architecture: String
    let isSequence: Bool
    let batch: Int
    let threads: Int
    let parameters: Int
    let multiplyAdds: Int
    /// Milliseconds of each run, ascending.
    let latencies: [Double]

    init(network: NamedNetwork, itemShape: Shape, batch: Int, threads: Int, latencies: [Duration]) throws {
        model = network.name
        architecture = network.architecture.name
        isSequence = network.isSequence
        self.batch = batch
        self.threads = threads
        parameters = LayerTable(network.graph).totals.parameters
        multiplyAdds = try network.graph.reshaped(to: itemShape).multiplyAdds
        self.latencies = latencies.map { $0 / .milliseconds(1) }.sorted()
    }

    var seconds: Double { latencies.reduce(0, +) / 1000 }
    var itemsPerSecond: Double { Double(latencies.count * batch) / seconds }
    /// Floating-point operations a second, a multiply-add being two, in thousands of millions.
    var gflops: Double { 2 * Double(multiplyAdds) * itemsPerSecond / 1e9 }

    func percentile(_ fraction: Double) -> Double {
        latencies[min(latencies.count - 1, Int((fraction * Double(latencies.count - 1)).rounded()))]
    }

    var json: JSONObject {
        [
            "model": .string(model),
            "architecture": .string(architecture),
            "batch": .integer(batch),
            "threads": .integer(threads),
            "seconds": .number(seconds),
            "iterations": .integer(latencies.count),
            isSequence ? "sequences_per_second" : "images_per_second": .number(itemsPerSecond),
            "latency_ms": .object([
                "min": .number(percentile(0)),
                "p50": .number(percentile(0.5)),
                "p90": .number(percentile(0.9)),
                "p99": .number(percentile(0.99)),
            ]),
            "gflops": .number(gflops),
            "parameters": .integer(parameters),
        ]
    }

    var text: String {
        let items = isSequence ? "sequences/s" : "images/s"
        return """
            \(model) (\(architecture)), batch \(batch), \(threads) threads, \(parameters) parameters
            \(rounded(itemsPerSecond)) \(items), \(rounded(gflops)) GFLOP/s, \(latencies.count) runs in \(rounded(seconds)) s
            latency ms: min \(rounded(percentile(0))), p50 \(rounded(percentile(0.5))), \
            p90 \(rounded(percentile(0.9))), p99 \(rounded(percentile(0.99)))
            """
    }

    /// Three significant digits are what a noisy machine can tell.
    private func rounded(_ value: Double) -> String {
        let scale = value >= 100 ? 1.0 : value >= 10 ? 10 : 1000
        return ((value * scale).rounded() / scale).description
    }
}
