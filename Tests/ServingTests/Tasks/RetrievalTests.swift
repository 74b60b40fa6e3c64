import Engine
import Models
import Support
import Tasks
import Testing

/// Nearest neighbours against every pair compared by hand, and what hashing misses of them.
struct RetrievalTests {
    /// Vectors around some centres, all positive, as features are.
    private static func vectors(_ count: Int, _ dimension: Int, seed: UInt64) -> [[Float]] {
        var random = SplitMix64(seed: seed)
        let centers = (0..<max(1, count / 20)).map { _ in
            (0..<dimension).map { _ in Float(random.nextFraction()) }
        }
        return (0..<count).map { index in
            centers[index % centers.count].map { max(0, $0 + Float(random.nextFraction() - 0.5) * 0.5) }
        }
    }

    private static func cosine(_ one: [Float], _ other: [Float]) -> Double {
        func product(_ a: [Float], _ b: [Float]) -> Double {
            zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        return product(one, other) / (product(one, one) * product(other, other)).squareRoot()
    }

    private static func index(_ vectors: [[Float]]) -> SearchIndex {
        SearchIndex(vectors, names: vectors.indices.map { "image \($0)" }, layer: nil, weights: [])
    }

    @Test(arguments: [(1, 1), (2, 15), (7, 16), (300, 33), (500, 64)])
    func `the exact nearest are those of every pair compared`(count: Int, dimension: Int) throws {
        let vectors = Self.vectors(count, dimension, seed: 3)
        let retrieval = Retrieval(Self.index(vectors))
        let query = Self.vectors(1, dimension, seed: 9)[0]
        let expected = vectors.indices.map { Self.cosine(query, vectors[$0]) }
        let answer = try retrieval.nearest(to: query, 10, .exact)
        #expect(answer.neighbors.count == min(10, count) && answer.compared == count)
        let sorted = expected.sorted(by: >)
        for (place, neighbor) in answer.neighbors.enumerated() {
            #expect(abs(Double(neighbor.similarity) - expected[neighbor.index]) < 1e-5)
            #expect(abs(Double(neighbor.similarity) - sorted[place]) < 1e-5)
            #expect(neighbor.name == "image \(neighbor.index)")
        }
    }

    @Test func `hashing finds nearly all of them with a part of the comparisons, and always the same`() throws
    {
        let vectors = Self.vectors(4000, 64, seed: 5)
        let retrieval = Retrieval(Self.index(vectors))
        let quality = try retrieval.quality(count: 10, queries: 50)
        #expect(quality.recall > 0.9, "\(quality)")
        #expect(quality.compared < 0.5, "\(quality)")
        let again = Retrieval(Self.index(vectors))
        for query in vectors.prefix(20) {
            let found = try retrieval.nearest(to: query, 10, .hashed)
            #expect(try again.nearest(to: query, 10, .hashed).neighbors == found.neighbors)
            // What it finds is compared as exactly.
            let exact = try retrieval.nearest(to: query, 4000, .exact).neighbors
            let similarities = Dictionary(uniqueKeysWithValues: exact.map { ($0.index, $0.similarity) })
            #expect(found.neighbors.allSatisfy { similarities[$0.index] == $0.similarity })
        }
    }

    @Test func `of equals the first, of zeros none is like another`() throws {
        let retrieval = Retrieval(Self.index([[0, 0], [2, 0], [1, 0], [0, 3]]))
        let answer = try retrieval.nearest(to: [5, 0], 4, .exact)
        #expect(answer.neighbors.map(\.index) == [1, 2, 0, 3])
        #expect(answer.neighbors.map(\.similarity) == [1, 1, 0, 0])
        let error = #expect(throws: ServingError.self) { try retrieval.nearest(to: [1, 2, 3], 1, .exact) }
        #expect(error?.message.contains("the index has 2 numbers an image, found 3") == true)
        let late = #expect(throws: ServingError.self) {
            try retrieval.nearest(to: [1, 0], 1, .exact, .test(deadline: .now - .seconds(1)))
        }
        #expect(late == .deadlineExceeded)
    }

    @Test func `an index is what was written`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/index.safetensors"
        let index = SearchIndex(
            [[3, 4], [0, 2]],
            names: ["a \"b\" é.jpg", "c/d.png"],
            layer: "fc",
            weights: [7]
        )
        try index.write(to: path)
        let read = try SearchIndex(path: path)
        #expect(read.names == index.names && read.layer == "fc" && read.dimension == 2)
        #expect(read.features.values == [0.6, 0.8, 0, 1])
        try Safetensors.write([("features", read.features)], metadata: ["names": "[\"one\"]"], to: path)
        let error = #expect(throws: FormatError.self) { try SearchIndex(path: path) }
        #expect(
            error?.description.contains("has 1 names for features of 2×2") == true,
            "\(String(describing: error))"
        )
    }
}
