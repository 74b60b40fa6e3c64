import Engine
import Inference
import Logging
import Models
import Platform
import Support
import Testing

struct BatchRunnerTests {
    private static let threads = 2

    private let network: ServedNetwork

    init() throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: Repository.weights, logger: logger)
        try registry.load { $0 == "digits" }
        network = try registry.model(named: "digits").network
    }

    private func items(_ count: Int, side: Int = 32) -> [BatchRunner.Item] {
        let shape: Shape = [1, side, side]
        return (0..<count).map {
            BatchRunner.Item(SyntheticWeights.tensor("input", shape, seed: UInt64($0 + 1)))
        }
    }

    private func runner(_ budget: MemoryBudget) -> BatchRunner {
        BatchRunner(pool: WorkerPool(threads: Self.threads), budget: budget)
    }

    @Test func `leases the memory of items and of threads before it takes it`() throws {
        let plan = try network.plan(for: [1, 32, 32])
        let needed = plan.bytes(batch: 3, threads: Self.threads)
        #expect(needed == plan.bytesPerItem * 3 + plan.bytesPerThread * Self.threads)
        #expect(plan.bytesPerThread > 0)
        let short = MemoryBudget(limit: needed - 1)
        #expect(throws: ServingError.self) { try runner(short).run(network, items(3)) { true } }
        #expect(short.used == 0)
        let enough = MemoryBudget(limit: needed)
        let lasting = self.runner(enough)
        #expect(try lasting.run(network, items(3)) { true }?.count == 3)
        // It keeps what it has for the next batch, and pays for it.
        #expect(enough.used(for: .activations) == needed)
        #expect(try lasting.run(network, items(1)) { true }?.count == 1)
        lasting.rest()
        #expect(enough.used == 0)
    }

    @Test func `says whether trying again helps`() throws {
        let needed = try network.plan(for: [1, 32, 32]).bytes(batch: 1, threads: Self.threads)
        let small = MemoryBudget(limit: needed - 1)
        let never = #expect(throws: ServingError.self) { try runner(small).run(network, items(1)) { true } }
        #expect(never?.code == "request_too_large")
        let shared = MemoryBudget(limit: needed)
        let other = shared.lease(1, for: .bodies)
        let later = #expect(throws: ServingError.self) { try runner(shared).run(network, items(1)) { true } }
        #expect(later == .memoryFull(wanted: needed, limit: needed))
        #expect(other?.bytes == 1)
    }

    @Test func `gives back what a large batch left when a small one comes`() throws {
        let plan = try network.plan(for: [1, 32, 32])
        let large = plan.bytes(batch: 64, threads: Self.threads)
        let budget = MemoryBudget(limit: large)
        let lasting = self.runner(budget)
        _ = try lasting.run(network, items(64)) { true }
        #expect(budget.used == large)
        _ = try lasting.run(network, items(1)) { true }
        #expect(budget.used < large / 2 || large < 2 * plan.bytes(batch: 1, threads: Self.threads))
    }
}
