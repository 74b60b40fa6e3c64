import Engine
import Inference
import Models
import ONNX
import Platform
import Support
import Testing

/// Networks that are made for requests, which wait for them without a thread.
struct ShapeWorkshopTests {
    private let gate = Monitor(false)
    private let file: OpenFile
    private let weights: Weights

    init() throws {
        let bytes = try FileContents.read(OpenModels.file("anysize.onnx").path, maxBytes: 1 << 20)
        file = try OpenFile(parsing: bytes, folder: nil, fixed: [:])
        let options = ImportedNetwork.Options(dimensions: ["height": 4, "width": 4])
        weights = try ImportedNetwork(parsing: bytes, folder: nil, options: options).weights()
    }

    /// Networks that are ready when the gate is open.
    private func networks() -> NetworksByShape {
        NetworksByShape(of: file, sharing: weights) { [gate] graph, weights, outputs in
            _ = gate.wait { $0 ? true : nil }
            return ServedNetwork(model: "m", version: "1", graph: graph, weights: weights, outputs: outputs)
        }
    }

    private typealias Outcome = Result<[Int], ServingError>

    /// Begins to ask for a width; what comes of it is in the monitor.
    private func ask(
        _ workshop: ShapeWorkshop,
        _ networks: NetworksByShape,
        width: Int,
        _ context: RequestContext = RequestContext()
    ) throws -> Monitor<Outcome?> {
        let given = try networks.given(["x": [1, 3, 4, width]])
        let box = Monitor<Outcome?>(nil)
        TestLane.shared.begin {
            do throws(ServingError) {
                let shaped = try await workshop.network(for: given, of: networks, context)
                box.signal { $0 = .success(shaped.ports.inputs[0].dimensions) }
            } catch {
                box.signal { $0 = .failure(error) }
            }
        }
        return box
    }

    private func result(_ box: Monitor<Outcome?>) throws -> [Int] {
        try #require(box.wait { $0 }).get()
    }

    @Test func `one is made for all who want it, and who leaves or is late is told at once`() throws {
        let workshop = ShapeWorkshop()
        let networks = networks()
        let first = try ask(workshop, networks, width: 5)
        let second = try ask(workshop, networks, width: 5)
        let late = try ask(workshop, networks, width: 5, .test(deadline: .now + .milliseconds(1)))
        let cancellation = Cancellation()
        let gone = try ask(workshop, networks, width: 6, .test(cancellation: cancellation))
        #expect(throws: ServingError.deadlineExceeded) { try result(late) }
        cancellation.cancel()
        #expect(throws: ServingError.cancelled) { try result(gone) }
        gate.signal { $0 = true }
        #expect(try result(first) == [3, 4, 5])
        #expect(try result(second) == [3, 4, 5])
        #expect(networks.counts.made == 1)
        workshop.close()
        #expect(networks.counts.made == 1, "nobody waited for the other one")
    }

    @Test func `of one model a few wait, and those of another go on behind them`() throws {
        let workshop = ShapeWorkshop()
        let (busy, other) = (networks(), networks())
        var boxes: [Monitor<Outcome?>] = []
        for width in 1...ShapeWorkshop.mostOfModel { boxes.append(try ask(workshop, busy, width: width)) }
        while workshop.waiting < ShapeWorkshop.mostOfModel {}
        let error = #expect(throws: ServingError.self) { try result(ask(workshop, busy, width: 99)) }
        #expect(error?.code == "shapes_busy")
        #expect(error?.retryAfterSeconds == 1)
        let otherBox = try ask(workshop, other, width: 1)
        gate.signal { $0 = true }
        #expect(try result(otherBox) == [3, 4, 1])
        for box in boxes { _ = try result(box) }
        // What is there is given at once.
        #expect(try result(ask(workshop, busy, width: 2)) == [3, 4, 2])
        #expect(busy.counts.made == ShapeWorkshop.mostOfModel)
        workshop.close()
    }

    @Test func `what is made is leased, what is forgotten is given back, and a full budget refuses`() throws {
        gate.signal { $0 = true }
        let budget = MemoryBudget(limit: 1 << 23)
        let workshop = ShapeWorkshop(budget: budget)
        var networks: NetworksByShape? = networks()
        for width in 1...NetworksByShape.most + 2 {
            _ = try result(ask(workshop, #require(networks), width: width))
        }
        let used = budget.used(for: .shapes)
        #expect(used > 0)
        for width in 20...25 { _ = try result(ask(workshop, #require(networks), width: width)) }
        #expect(budget.used(for: .shapes) == used, "as many are kept as before")
        let rest = budget.lease(budget.limit - budget.used - 100, for: .bodies)
        #expect(try result(ask(workshop, #require(networks), width: 30)) == [3, 4, 30])
        #expect(budget.used(for: .shapes) <= used, "others made room")
        withExtendedLifetime(rest) {}
        workshop.close()
        networks = nil
        #expect(budget.used(for: .shapes) == 0)
        let tiny = MemoryBudget(limit: 100)
        let poor = ShapeWorkshop(budget: tiny)
        #expect(throws: ServingError.self) { try result(ask(poor, self.networks(), width: 3)) }
        #expect(tiny.used == 0)
        poor.close()
    }

    @Test func `a shape whose layers would take too much memory is refused, and nothing is kept of it`()
        throws
    {
        gate.signal { $0 = true }
        let budget = MemoryBudget(limit: 1 << 20)
        let workshop = ShapeWorkshop(budget: budget)
        let networks = networks()
        let error = #expect(throws: ServingError.self) {
            try result(ask(workshop, networks, width: 4_000_000))
        }
        #expect(error?.code == "input_too_large")
        #expect(networks.counts == (0, 0))
        #expect(budget.used == 0)
        workshop.close()
    }

    @Test func `a workshop that closes refuses who waits and who comes`() throws {
        let workshop = ShapeWorkshop()
        let networks = networks()
        let first = try ask(workshop, networks, width: 5)
        while workshop.waiting == 0 {}
        let closing = Monitor(false)
        _ = try Thread(name: "closing") {
            workshop.close()
            closing.signal { $0 = true }
        }
        #expect(throws: ServingError.draining) { try result(first) }
        gate.signal { $0 = true }
        _ = closing.wait { $0 ? true : nil }
        #expect(throws: ServingError.draining) { try result(ask(workshop, networks, width: 7)) }
    }
}
