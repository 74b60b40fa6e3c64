internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The way of any number of image files through a model: the next are read and decoded while the engine runs the last.
///
/// A file that cannot be worked on spoils only its own result. What is held is a few files for each thread.
struct ImageStream<Answer: Sendable>: Sendable {
    /// What is made of images, in order.
    typealias Work =
        @Sendable ([Result<ArraySlice<UInt8>, ServingError>]) async throws(ServingError) -> [Result<
            Answer, ServingError
        >]
    /// What came of a file, or why nothing did.
    typealias Outcome = Result<Answer, CommandError>

    /// Files that one thread takes at a time, for their crops to run together.
    private static var filesAtATime: Int { 16 }
    /// Files are worked on before more than so many bytes of them are read.
    private static var bytesAtATime: Int { 64 << 20 }

    private let engine: CommandEngine
    private let work: Work

    init(_ engine: CommandEngine, _ work: @escaping Work) {
        self.engine = engine
        self.work = work
    }

    /// Works on files in order.
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
            outcomes += done(images)
            (images, bytes) = ([], 0)
        }
        return outcomes
    }

    private func done(_ images: [Result<ArraySlice<UInt8>, ServingError>]) -> [Outcome] {
        do {
            let answers = try engine.wait { () async throws(ServingError) in try await work(images) }
            return answers.map { $0.mapError { CommandError($0.message) } }
        } catch {
            return images.map { _ in .failure(CommandError(error.message)) }
        }
    }
}

extension ImageStream<ImageClassifier.Answer> {
    /// The classes of images.
    init(_ model: Model, _ engine: CommandEngine, _ options: ImageClassifier.Options) {
        let classifier = engine.classifier
        self.init(engine) { (images) async throws(ServingError) in
            try await classifier.classify(images: images, with: model, options)
        }
    }
}

extension ImageStream<ObjectDetector.Answer> {
    /// The objects in images.
    init(_ model: Model, _ engine: CommandEngine, _ options: ObjectDetector.Options) {
        let detector = ObjectDetector(engine.classifier)
        self.init(engine) { (images) async throws(ServingError) in
            try await detector.detect(images: images, with: model, options)
        }
    }
}

extension ImageStream<ImageSegmenter.Answer> {
    /// The classes of the pixels of images.
    init(_ model: Model, _ engine: CommandEngine) {
        let segmenter = ImageSegmenter(engine.classifier)
        self.init(engine) { (images) async throws(ServingError) in
            try await segmenter.segment(images: images, with: model)
        }
    }
}

extension ImageStream<Captioner.Answer> {
    /// The captions of images.
    init(_ model: Model, _ engine: CommandEngine, _ options: Captioner.Options) {
        let captioner = Captioner(engine.classifier)
        self.init(engine) { (images) async throws(ServingError) in
            try await captioner.caption(images: images, with: model, options)
        }
    }
}

extension CommandEngine {
    /// What decodes and prepares images, with the usual limits.
    var classifier: ImageClassifier { ImageClassifier(scheduler: scheduler, limits: ImageLimits()) }
}
