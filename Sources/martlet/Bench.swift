internal import ArgumentParser
internal import Engine
internal import Platform
internal import Support
internal import Zoo

/// `martlet bench NAME`: how fast the engine runs a model, or an architecture with synthetic weights.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of a model, or of an architecture with synthetic weights."
    )

    @Argument(help: "A model of the folder, or an architecture.", completion: .networks)
    var name: String?

    @Option(help: "An architecture, even if a model has the same name.", completion: .architectures)
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
        let progress = Progress("measuring \(network.name)")
        defer { progress.finish() }
        let trials = try trials(network)
        let report = BenchReport(
            network: network,
            batch: batch,
            threads: threads.count,
            multiplyAdds: trials.reduce(0) { $0 + $1.multiplyAdds } / batch,
            latencies: measure(trials)
        )
        let lines = profile ? BenchProfile(profiles: trials.map { $0.profile() }) : nil
        var json = report.json
        json.append("peak_gflops", lines?.peakJSON)
        json.append("profile", lines?.json)
        progress.finish()
        output.print(
            json: .object(json),
            text: ([report.text] + [lines?.text].compactMap(\.self)).joined(separator: "\n\n")
        )
    }

    /// What one run consists of: all frames of the clips, where there are any, or a region each, and the items.
    private func trials(_ network: NamedNetwork) throws -> [BenchTrial] {
        let pool = WorkerPool(threads: threads.count)
        let item = try BenchTrial(network.main, steps: steps, batch: batch, pool)
        guard let extractor = network.extractor else { return [item] }
        let steps = network.isSequence ? steps : 1
        guard batch * steps <= 4096 else {
            throw CommandError(
                "--batch clips of --sequence-length may have 4096 frames, found \(batch * steps)"
            )
        }
        return [try BenchTrial(extractor, batch: batch * steps, pool), item]
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
    private func measure(_ trials: [BenchTrial]) -> [Duration] {
        func runOnce() -> Duration { trials.reduce(.zero) { $0 + $1.run() } }
        _ = runOnce()
        _ = runOnce()
        var latencies: [Duration] = []
        let clock = ContinuousClock()
        let start = clock.now
        while latencies.count < 3 || clock.now - start < .seconds(seconds) { latencies.append(runOnce()) }
        return latencies
    }
}

/// A batch of samples for one graph of a network.
struct BenchTrial {
    private let session: Session
    private let item: Tensor
    private let batch: Int
    /// Of the whole batch.
    let multiplyAdds: Int

    init(_ part: NamedNetwork.Part, steps: Int = 1, batch: Int, _ pool: WorkerPool) throws {
        session = part.session(pool)
        item = part.sampleItem(steps: steps)
        self.batch = batch
        multiplyAdds = try batch * part.graph.reshaped(to: item.shape).multiplyAdds
        try session.prepare(inputShape: item.shape, batch: batch)
    }

    private func setInput() {
        for index in 0..<batch { item.withSpan { session.setInput(index, to: $0) } }
    }

    /// How long a run takes.
    func run() -> Duration {
        setInput()
        return ContinuousClock().measure { _ = session.run() }
    }

    /// How long each operation takes.
    func profile() -> Profile {
        setInput()
        return session.profile(runs: 5)
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

    /// `multiplyAdds` are those of one item.
    init(network: NamedNetwork, batch: Int, threads: Int, multiplyAdds: Int, latencies: [Duration]) {
        model = network.name
        architecture = network.architecture.name
        isSequence = network.isSequence
        self.batch = batch
        self.threads = threads
        parameters = LayerTable(network.parts.map(\.graph)).totals.parameters
        self.multiplyAdds = multiplyAdds
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
