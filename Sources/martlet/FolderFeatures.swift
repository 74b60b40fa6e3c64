internal import Engine
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The features of the images in a folder and those below it; what is no image is passed over and told.
struct FolderFeatures {
    /// Of the images, from the folder on, in order.
    let names: [String]
    let features: [Features]
    /// What was passed over, and why.
    let skipped: [(name: String, reason: String)]

    /// Files that run together, and the most bytes of them that are held.
    private static let filesAtATime = 64
    private static let bytesAtATime = 64 << 20

    /// - Throws: `CommandError` for a folder without an image that can be read, and what the engine throws.
    init(
        _ folder: String,
        _ layer: FeatureExtraction.Layer,
        of model: Model,
        on engine: CommandEngine
    ) throws {
        let files = try Self.files(in: folder)
        let progress = Progress("reading \(folder)", of: files.count, in: .items("images"))
        defer { progress.finish() }
        let classifier = ImageClassifier(scheduler: engine.scheduler, limits: ImageLimits())
        let extraction = FeatureExtraction(classifier, SequencePredictor(scheduler: engine.scheduler))
        var (names, features, skipped) = ([String](), [Features](), [(name: String, reason: String)]())
        var rest = files[...]
        while !rest.isEmpty {
            let part = Self.read(&rest, in: folder)
            let images = part.map(\.bytes)
            let results = try engine.wait { () async throws(ServingError) in
                try await extraction.features(ofImages: images, layer, of: model)
            }
            for (name, result) in zip(part.map(\.name), results) {
                switch result {
                case .success(let found):
                    names.append(name)
                    features.append(found)
                case .failure(let error):
                    skipped.append((name, error.message))
                    progress.note("martlet: \(name): \(error.message); passed over")
                }
            }
            progress.advance(by: part.count)
        }
        guard !names.isEmpty else { throw CommandError("\(folder) has no image that can be read") }
        if let other = features.first(where: { $0.shape != features[0].shape }) {
            throw CommandError(
                "the images have features of several shapes (\(features[0].shape), \(other.shape)), since the model crops none"
            )
        }
        (self.names, self.features, self.skipped) = (names, features, skipped)
    }

    /// The next files, as many as run together.
    private static func read(
        _ rest: inout ArraySlice<String>,
        in folder: String
    ) -> [(name: String, bytes: Result<ArraySlice<UInt8>, ServingError>)] {
        var (part, bytes) = ([(name: String, bytes: Result<ArraySlice<UInt8>, ServingError>)](), 0)
        while part.count < filesAtATime, bytes < bytesAtATime, let name = rest.popFirst() {
            do throws(SystemError) {
                let file = try FileContents.read("\(folder)/\(name)", maxBytes: 1 << 30)
                bytes += file.count
                part.append((name, .success(file[...])))
            } catch {
                part.append((name, .failure(.undecodable("\(error)"))))
            }
        }
        return part
    }

    /// The images below a folder, from it on, in the order of their names.
    private static func files(in folder: String) throws -> [String] {
        var paths = try FileNames([folder])
        var files: [String] = []
        while let path = try paths.next() {
            let start = folder.hasSuffix("/") ? folder.utf8.count : folder.utf8.count + 1
            files.append(String(decoding: path.utf8.dropFirst(start), as: UTF8.self))
        }
        return files
    }

    /// How much there is of what, in a sentence.
    var summary: String {
        let passed =
            skipped.isEmpty ? "" : ", \(skipped.count) \(skipped.count == 1 ? "file" : "files") passed over"
        return "\(names.count) images\(passed)"
    }

    /// What was passed over, for programs.
    var skippedJSON: JSONValue {
        .array(skipped.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) })
    }
}
