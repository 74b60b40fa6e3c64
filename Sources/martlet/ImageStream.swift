internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The way of any number of image files through a model: the next are read and decoded while the engine runs the last.
///
/// A file that cannot be classified spoils only its own result. What is held is a few files for each thread.
struct ImageStream: Sendable {
    /// What came of a file, or why nothing did.
    typealias Outcome = Result<ImageClassifier.Answer, CommandError>

    /// Files that one thread takes at a time, for their crops to run together.
    private static let filesAtATime = 16
    /// Files are classified before more than so many bytes of them are read.
    private static let bytesAtATime = 64 << 20

    private let engine: CommandEngine
    private let classifier: ImageClassifier
    private let model: Model
    private let options: ImageClassifier.Options

    init(_ model: Model, _ engine: CommandEngine, _ options: ImageClassifier.Options) {
        self.model = model
        self.engine = engine
        self.options = options
        classifier = ImageClassifier(scheduler: engine.scheduler, limits: ImageLimits())
    }

    /// Classifies files in order.
    ///
    /// - Parameters:
    ///   - isReady: whether the next file is known already.
    ///   - next: the next file; nil ends it.
    ///   - path: where a file is.
    ///   - take: gets each file with what came of it.
    /// - Throws: what `next` and `take` throw.
    func run<File: Sendable>(
        isReady: () -> Bool = { true },
        next: () throws -> File?,
        path: @escaping @Sendable (File) -> String,
        take: (File, Outcome) throws -> Void
    ) throws {
        try OrderedWork.run(
            threads: engine.lanes + 1,
            isReady: isReady,
            next: { () -> [File]? in
                var files: [File] = []
                // Who waits for an answer to the files so far is not made to wait for the next.
                while files.count < Self.filesAtATime, files.isEmpty || isReady(), let file = try next() {
                    files.append(file)
                }
                return files.isEmpty ? nil : files
            },
            work: { files in Array(zip(files, outcomes(files.map(path)))) },
            take: { for (file, outcome) in $0 { try take(file, outcome) } }
        )
    }

    private func outcomes(_ paths: [String]) -> [Outcome] {
        var outcomes: [Outcome] = []
        var images: [Result<ArraySlice<UInt8>, ServingError>] = []
        var bytes = 0
        for (index, path) in paths.enumerated() {
            do {
                let contents = try FileContents.read(path, maxBytes: 1 << 30)
                bytes += contents.count
                images.append(.success(contents[...]))
            } catch {
                images.append(.failure(.invalid(code: "unreadable", error.reason)))
            }
            guard bytes >= Self.bytesAtATime || index == paths.count - 1 else { continue }
            outcomes += classified(images)
            (images, bytes) = ([], 0)
        }
        return outcomes
    }

    private func classified(_ images: [Result<ArraySlice<UInt8>, ServingError>]) -> [Outcome] {
        do {
            let answers = try engine.wait { () async throws(ServingError) in
                try await classifier.classify(images: images, with: model, options)
            }
            return answers.map { $0.mapError { CommandError($0.message) } }
        } catch {
            return images.map { _ in .failure(CommandError(error.message)) }
        }
    }
}
