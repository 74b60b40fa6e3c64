internal import Engine
package import Models
package import Support

/// The images of a model's index that are most like an image: the nearest by the angle between their features.
package struct Retrieval: Sendable {
    /// How they are found.
    package enum Method: String, Sendable, CaseIterable {
        /// By looking at all of them.
        case exact
        /// By looking at those alone whose hashes are like its own, which misses some.
        case hashed = "lsh"
    }

    /// An image that is like another.
    package struct Neighbor: Sendable, Equatable {
        package let name: String
        /// Its row in the index.
        package let index: Int
        /// The cosine of the angle between the features, 1 for the same direction.
        package let similarity: Float
    }

    /// What was found.
    package struct Answer: Sendable {
        /// The most similar first, of equals the one with the lower index.
        package let neighbors: [Neighbor]
        /// How many images were compared.
        package let compared: Int
        package let duration: Duration
    }

    /// Rows that are compared between two looks at the clock.
    private static let rowsAtATime = 4096

    private let index: SearchIndex

    package init(_ index: SearchIndex) { self.index = index }

    /// Finds the index of a model.
    ///
    /// - Throws: `ServingError` 404 that says how one is made, 409 where it does not fit the model.
    package init(of model: Model) throws(ServingError) {
        switch model.index {
        case .success(let index): self.index = index
        case .failure(let error):
            throw .conflict(code: "stale_index", "model '\(model.name)': \(error.description)")
        case nil:
            throw .missing(
                code: "no_index",
                "model '\(model.name)' has no index; make one with 'martlet index FOLDER --model \(model.name)'"
            )
        }
    }

    /// What of the model the images are compared by.
    package var layer: String? { index.layer }
    /// How many images are searched.
    package var count: Int { index.count }

    /// The images that are most like one with these features.
    ///
    /// - Parameters:
    ///   - features: as many as those of the index.
    ///   - count: how many at most.
    ///   - method: how they are found.
    ///   - context: the request.
    /// - Returns: the nearest.
    /// - Throws: `ServingError` 400 for features of another length, and when nobody waits any more.
    package func nearest(
        to features: [Float],
        _ count: Int,
        _ method: Method,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) -> Answer {
        guard features.count == index.dimension else {
            let expected = "the index has \(index.dimension) numbers an image"
            throw .invalidInput("\(expected), found \(features.count): its crops are of another size")
        }
        let start = ContinuousClock.now
        let query = Tensor(shape: [features.count], values: SearchIndex.normalized(features))
        let rows = method == .exact ? Array(0..<index.count) : index.tables.candidates(for: query)
        var best = NearestList(count)
        for part in stride(from: 0, to: rows.count, by: Self.rowsAtATime) {
            try context.check()
            for row in rows[part..<min(part + Self.rowsAtATime, rows.count)] {
                best.insert(row, index.features.product(ofRow: row, with: query))
            }
        }
        let neighbors = best.entries.map { row, similarity in
            Neighbor(name: index.names[row], index: row, similarity: min(max(similarity, -1), 1))
        }
        return Answer(neighbors: neighbors, compared: rows.count, duration: .now - start)
    }

    /// How many of the nearest that there are hashing finds, and what both ways take.
    package struct Quality: Sendable {
        /// The share of the exact nearest that hashing found too.
        package let recall: Double
        /// The share of the images that hashing compared.
        package let compared: Double
        /// For one query, in the mean.
        package let exact: Duration
        package let hashed: Duration
        package let queries: Int
    }

    /// Compares the two methods on images of the index itself, spread evenly over it.
    ///
    /// - Parameters:
    ///   - count: how many nearest are looked for, beside the image itself.
    ///   - queries: how many images at most.
    /// - Returns: the recall and the times.
    /// - Throws: never but for a mistake in the index.
    package func quality(count: Int, queries: Int) throws(ServingError) -> Quality {
        let step = max(1, index.count / queries)
        let rows = Array(stride(from: 0, to: index.count, by: step).prefix(queries))
        let items = index.features.items
        _ = index.tables // made before the clock runs
        var (found, wanted, compared) = (0, 0, 0)
        var (exact, hashed) = (Duration.zero, Duration.zero)
        for row in rows {
            let features = items[row].values
            let all = try nearest(to: features, count + 1, .exact)
            let some = try nearest(to: features, count + 1, .hashed)
            let names = Set(some.neighbors.map(\.index))
            let others = all.neighbors.filter { $0.index != row }.prefix(count)
            wanted += others.count
            found += others.count { names.contains($0.index) }
            compared += some.compared
            exact += all.duration
            hashed += some.duration
        }
        return Quality(
            recall: wanted == 0 ? 1 : Double(found) / Double(wanted),
            compared: Double(compared) / Double(rows.count * index.count),
            exact: exact / rows.count,
            hashed: hashed / rows.count,
            queries: rows.count
        )
    }
}

/// The rows with the largest similarities so far, the largest first.
private struct NearestList {
    private let limit: Int
    private(set) var entries: [(row: Int, similarity: Float)] = []

    init(_ limit: Int) { self.limit = limit }

    /// - Precondition: rows come in their order, so that of equals the first stays before.
    mutating func insert(_ row: Int, _ similarity: Float) {
        if entries.count == limit, let last = entries.last {
            guard similarity > last.similarity else { return }
            entries.removeLast()
        }
        let place = entries.firstIndex { $0.similarity < similarity } ?? entries.count
        entries.insert((row, similarity), at: place)
    }
}
