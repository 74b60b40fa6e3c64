import Engine
import Foundation
import Testing

/// Algorithms chosen by measuring hold for the process, are read again by the next, and are never believed blindly.
@Suite(.serialized) final class TuningTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "tuning-\(UUID().uuidString)")
    private let graph: Graph

    init() throws {
        var graph = Graph(inputShape: [32, 20, 20])
        var last = Graph.Value.input
        for (index, window) in [Window(3, pad: 1), Window(3, pad: 1), Window(5, pad: 2)].enumerated() {
            let conv = Conv(inputChannels: 32, outputChannels: 32, window: window)
            last = try graph.add(conv, name: "conv\(index)", inputs: [last])
        }
        graph.setOutput("output", to: last)
        self.graph = graph
    }

    deinit { try? FileManager.default.removeItem(at: folder) } // a test may not have made it

    private var tuned: Tuning { .measured(folder: folder.path) }

    /// Loads the network's weights from a file, and says how each convolution is computed and what comes out.
    private func load(_ tuning: Tuning, seed: UInt64 = 1) throws -> (
        algorithms: [String], output: [Float], weights: Weights
    ) {
        let tensors = graph.parameters.map {
            (name: $0.name, tensor: SyntheticWeights.tensor($0.name, $0.shape, seed: seed))
        }
        return try withTemporaryFile { path in
            try Safetensors.write(tensors, to: path)
            let weights = try Weights(Safetensors(path: path), for: graph, tuning: tuning)
            let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: 1))
            try session.prepare(inputShape: graph.inputShape, batch: 1)
            let input = SyntheticWeights.tensor("input", graph.inputShape, seed: 2)
            input.withSpan { session.setInput(0, to: $0) }
            #expect(session.run())
            let output = session.withOutput("output", item: 0) { span in span.indices.map { span[$0] } }
            input.withSpan { session.setInput(0, to: $0) }
            return (session.profile(runs: 1).lines.compactMap(\.algorithm), output, weights)
        }
    }

    private func files() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    }

    private func text() throws -> String { try String(contentsOf: #require(files().first), encoding: .utf8) }

    private func overwrite(_ text: String) throws {
        try Data(text.utf8).write(to: #require(files().first))
    }

    @Test func `without tuning the cost model chooses and nothing is kept`() throws {
        let first = try load(.off)
        #expect(first.algorithms.count == 3)
        #expect(try load(.off).algorithms == first.algorithms)
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }

    @Test func `what was measured is kept, and read the next time`() throws {
        let first = try load(tuned)
        let kept = try text()
        for (index, algorithm) in first.algorithms.enumerated() {
            #expect(kept.contains("\n\(algorithm)\tconv\(index)\n"), "\(kept)")
        }
        let second = try load(tuned)
        #expect(second.algorithms == first.algorithms)
        #expect(second.output == first.output)
        #expect(try text() == kept)
        #expect(second.weights.tuningFailure == nil)
    }

    @Test func `other weights have a file of their own`() throws {
        _ = try load(tuned, seed: 1)
        _ = try load(tuned, seed: 2)
        #expect(try files().count == 2)
    }

    /// Each damage is to a good file; the choices are made anew and the file is repaired.
    @Test(arguments: [
        "cut short", "empty", "a byte more", "another algorithm", "an unknown algorithm", "not UTF-8",
        "another machine", "no layer",
    ])
    func `a damaged file is as good as none`(_ damage: String) throws {
        let direct = try load(.off).output
        _ = try load(tuned)
        let good = try text()
        let line = try #require(good.split(separator: "\n").first { $0.hasSuffix("\tconv0") })
        switch damage {
        case "cut short": try overwrite(String(good.dropLast(20)))
        case "empty": try overwrite("")
        case "a byte more": try overwrite(good + "x")
        case "another algorithm": try overwrite(good.replacing(line, with: "F(9×9, 3×3)\tconv0"))
        case "an unknown algorithm": try overwrite(good.replacing(line, with: "magic\tconv0"))
        case "not UTF-8": try Data([0xff, 0xfe] + Data(good.utf8)).write(to: #require(files().first))
        case "another machine": try overwrite(good.replacing("processor ", with: "processor of "))
        default: try overwrite(good.replacing("\tconv0", with: ""))
        }
        let damaged = try Data(contentsOf: #require(files().first))
        let again = try load(tuned)
        #expect(try Data(contentsOf: #require(files().first)) != damaged, "the file was believed")
        #expect(again.weights.tuningFailure == nil)
        expectClose(again.output, direct.map(Double.init), tolerance: 5e-5, damage)
    }

    @Test func `a folder that cannot be written is no reason to fail`() throws {
        try Data().write(to: folder) // a file is in its place
        let loaded = try load(tuned)
        #expect(loaded.algorithms.count == 3)
        #expect("\(try #require(loaded.weights.tuningFailure))".contains(folder.path))
    }

    @Test func `compact weights have no choice`() throws {
        let weights = Weights(synthetic: 1, for: graph, memory: .compact, tuning: tuned)
        let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: 1))
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        #expect(session.profile(runs: 1).lines.compactMap(\.algorithm) == ["direct", "direct", "direct"])
    }
}
