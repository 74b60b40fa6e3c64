internal import ArgumentParser
internal import Engine
internal import Models
internal import Support
internal import Tasks

/// `martlet index FOLDER`: what `:search` looks through, beside the model.
struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Make the index of images that a model's :search looks through.",
        discussion: """
            It is written into the model's folder as \(SearchIndex.fileName), whole or not at all, and is there when the model is \
            loaded again. How many of the nearest images hashing finds, and how fast, is measured on images of the index.
            """
    )

    @Argument(help: "The folder of images; those below it count too.")
    var folder: String

    @Option(name: .customLong("model"), help: "The model.")
    var modelName: String

    @Option(help: "The value of the network by name; default what its last layer takes.")
    var layer: String?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    /// The recall is that among so many nearest, of so many images.
    private static let nearest = 10
    private static let queries = 256

    func run() throws {
        let model = try models.model(modelName)
        let path = "\(try Registry.path(of: model, in: models.path()))/\(SearchIndex.fileName)"
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        let found = try FolderFeatures(
            folder,
            FeatureExtraction.Layer(layer, of: model),
            of: model,
            on: engine
        )
        let index = SearchIndex(
            found.features.map(\.values),
            names: found.names,
            layer: layer,
            weights: model.weights.digest
        )
        let quality = try Retrieval(index).quality(count: Self.nearest, queries: Self.queries)
        try index.write(to: path)
        report(found, index, quality, path)
    }

    private func report(
        _ found: FolderFeatures,
        _ index: SearchIndex,
        _ quality: Retrieval.Quality,
        _ path: String
    ) {
        func milliseconds(_ duration: Duration) -> Double {
            ((duration / .milliseconds(1)) * 1000).rounded() / 1000
        }
        let table = TextTable(
            columns: ["method", "recall@\(Self.nearest)", "compared", "milliseconds"],
            rows: [
                ["exact", percent(1), percent(1), "\(milliseconds(quality.exact))"],
                [
                    "lsh", percent(quality.recall), percent(quality.compared),
                    "\(milliseconds(quality.hashed))",
                ],
            ]
        )
        output.print(
            json: .object([
                "output": .string(path), "images": .integer(index.count),
                "numbers": .integer(index.dimension),
                "bits": .integer(index.tables.bits), "tables": .integer(HyperplaneTables.tables),
                "queries": .integer(quality.queries), "recall": .number(quality.recall),
                "compared": .number(quality.compared), "exact_ms": .number(milliseconds(quality.exact)),
                "lsh_ms": .number(milliseconds(quality.hashed)), "skipped": found.skippedJSON,
            ]),
            text: """
                \(path): \(found.summary), \(index.dimension) numbers each
                \(HyperplaneTables.tables) tables of \(index.tables.bits) bits; \(quality.queries) queries
                \(table.text)
                Load the model again to search in it: martlet reload
                """
        )
    }
}
