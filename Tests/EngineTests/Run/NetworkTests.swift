import Engine
import Foundation
import Platform
import Testing

/// Plans are made on any thread and run in the memory of one session.
@Suite struct NetworkTests {
    private let pool = WorkerPool(threads: 2)

    private func bits(_ session: Session, _ plan: Plan, _ items: [Tensor]) throws -> [[UInt32]] {
        try session.prepare(plan, batch: items.count)
        for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
        #expect(session.run())
        return items.indices.map { item in
            session.withOutput("logits", item: item) { span in span.indices.map { span[$0].bitPattern } }
        }
    }

    private func network(_ graph: Graph) -> Network {
        Network(graph, weights: Weights(synthetic: 9, for: graph))
    }

    @Test func `runs the plans of several networks in turn in one memory`() throws {
        let images = network(try SessionTests.imageGraph())
        let texts = network(try SessionTests.textGraph())
        let session = Session(pool: pool)
        let own = Session(pool: pool)
        let expectedImages = try bits(own, images.plan(for: [3, 33, 33]), SessionTests.images(3))
        own.trim()
        let expectedTexts = try bits(own, texts.plan(for: [9]), SessionTests.texts(5))
        var largest = 0
        for _ in 0..<3 {
            #expect(
                try bits(session, images.plan(for: [3, 33, 33]), SessionTests.images(3)) == expectedImages
            )
            #expect(try bits(session, texts.plan(for: [9]), SessionTests.texts(5)) == expectedTexts)
            if largest == 0 { largest = session.bytes }
        }
        #expect(session.bytes == largest)
        session.trim()
        #expect(session.bytes == 0)
        #expect(try bits(session, images.plan(for: [3, 33, 33]), SessionTests.images(3)) == expectedImages)
    }

    @Test func `gives every thread that asks for a shape the same plan`() throws {
        let network = network(try SessionTests.imageGraph())
        let plans = Identities()
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            // A shape that the network takes.
            guard let plan = try? network.plan(for: [3, 33 + 16 * (index % 2), 33]) else { return }
            plans.append(ObjectIdentifier(plan))
        }
        #expect(plans.all.count == 8)
        #expect(Set(plans.all).count == 2)
    }

    @Test func `a network that slides and its own one may be planned in any order and at once`() throws {
        let graph = try SessionTests.imageGraph()
        let items = SessionTests.images(2)
        let expected = try bits(Session(pool: pool), network(graph).plan(for: [3, 33, 33]), items)
        for _ in 0..<8 {
            let weights = Weights(synthetic: 9, for: graph)
            let networks = [
                Network(graph, weights: Weights(weights, for: graph)), Network(graph, weights: weights),
            ]
            DispatchQueue.concurrentPerform(iterations: 4) { index in
                _ = try? networks[index % 2].plan(for: [3, 33, 33]) // asked for again below
            }
            for network in networks {
                #expect(try bits(Session(pool: pool), network.plan(for: [3, 33, 33]), items) == expected)
                #expect(try bits(Session(pool: pool), network.plan(for: [3, 33, 33]), items) == expected)
            }
        }
    }

    @Test func `a batch without memory is an error, and the next one runs`() throws {
        let plan = try network(try SessionTests.imageGraph()).plan(for: [3, 33, 33])
        let session = Session(pool: pool)
        let expected = try bits(session, plan, SessionTests.images(1))
        for batch in [1 << 40, Int.max] {
            #expect(throws: SystemError.self) { try session.prepare(plan, batch: batch) }
        }
        #expect(try bits(session, plan, SessionTests.images(1)) == expected)
    }

    @Test func `gives the same bits on the pool and without it`() throws {
        for (graph, items) in [
            (try SessionTests.imageGraph(), SessionTests.images(5)),
            (try SessionTests.textGraph(), SessionTests.texts(5)),
        ] {
            let plan = try network(graph).plan(for: graph.inputShape)
            let session = Session(pool: pool)
            let runs = try [true, false].map { isAlone in
                try session.prepare(plan, batch: items.count)
                for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
                #expect(session.run(isAlone: isAlone))
                return items.indices.map { item in
                    session.withOutput("logits", item: item) { span in
                        span.indices.map { span[$0].bitPattern }
                    }
                }
            }
            #expect(runs[0] == runs[1])
        }
    }

    @Test func `estimates more for more items and more products, and calls small networks tiny`() throws {
        var large = Graph(inputShape: [64, 56, 56])
        let conv = Conv(inputChannels: 64, outputChannels: 64, window: Window(3, pad: 1))
        large.setOutput("logits", to: try large.add(conv, name: "conv", inputs: [.input]))
        let plan = try network(large).plan(for: large.inputShape)
        #expect(plan.cost.multiplyAdds == 64 * 64 * 9 * 56 * 56)
        #expect(plan.estimatedSeconds(batch: 8) > 4 * plan.estimatedSeconds(batch: 1))
        #expect(!plan.isTiny(batch: 1))
        var small = Graph(inputShape: [16])
        small.setOutput(
            "logits",
            to: try small.add(Linear(inputs: 16, outputs: 4), name: "fc", inputs: [.input])
        )
        let tiny = try network(small).plan(for: [16])
        #expect(tiny.isTiny(batch: 1))
        #expect(tiny.estimatedSeconds(batch: 1) < plan.estimatedSeconds(batch: 1))
        #expect(tiny.bytesPerItem >= 4 * 20)
    }
}

/// A list that several threads append to.
private final class Identities: @unchecked Sendable { // @unchecked: touched under the lock
    private let lock = NSLock()
    private var elements: [ObjectIdentifier] = []

    func append(_ element: ObjectIdentifier) { lock.withLock { elements.append(element) } }

    var all: [ObjectIdentifier] { lock.withLock { elements } }
}
