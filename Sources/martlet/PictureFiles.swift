internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// Where a command that draws puts its pictures: a PNG for one image, a folder of them for several.
private struct PictureFiles {
    private let path: String
    private let isFolder: Bool

    /// - Throws: `SystemError` when a folder cannot be made.
    init(_ path: String, images: Int) throws {
        self.path = path
        isFolder = images > 1
        if isFolder { try Folder.create(path) }
    }

    /// Writes the PNG of an image, and says where.
    func write(_ png: [UInt8], of image: String) throws -> String {
        let name = image.split(separator: "/").last.map(String.init) ?? image
        let place = isFolder ? "\(path)/\(name).png" : path
        let file = try OutputFile(path: place)
        try file.write(png)
        try file.commit()
        return place
    }
}

/// Runs a command on images one after another: each is answered, written and printed, and what failed is counted.
struct PictureRun<Answer: Sendable> {
    let names: [String]
    /// Where pictures go, if any are made.
    let path: String?
    let output: OutputOption

    /// - Parameters:
    ///   - stream: what is done with the images.
    ///   - model: who answers.
    ///   - png: the picture of an image's answer, as a file, of the image's path.
    ///   - entry: what is said of an image: its JSON, and its text.
    /// - Throws: what `png` throws, and `CommandError` when an image failed.
    func run(
        _ stream: ImageStream<Answer>,
        of model: Model,
        png: (String, Answer) throws -> [UInt8],
        _ entry: (Answer) -> (json: JSONObject, text: String)
    ) throws {
        let files = try path.map { try PictureFiles($0, images: names.count) }
        var (entries, texts, failed) = ([JSONValue](), [String](), 0)
        var rest = names[...]
        try stream.run(
            next: { rest.popFirst() },
            path: { $0 },
            take: { path, outcome in
                var json: JSONObject = ["path": .string(path)]
                switch outcome {
                case .success(let answer):
                    let said = entry(answer)
                    json.append(contentsOf: said.json)
                    if let files {
                        json.append("output", .string(try files.write(png(path, answer), of: path)))
                    }
                    texts.append("\(path)\n\(said.text)")
                case .failure(let error):
                    failed += 1
                    json.append("error", .string(error.description))
                    StandardStream.error.writeLine("martlet: \(path): \(error)")
                }
                entries.append(.object(json))
            }
        )
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        json.append("results", .array(entries))
        output.print(json: .object(json), text: texts.joined(separator: "\n\n"))
        if failed > 0 { throw CommandError("\(failed) of \(names.count) files could not be answered") }
    }
}

extension CommandEngine {
    /// The upright image of a file, of no more pixels on a side than a picture has.
    func picture(of path: String) throws -> Image {
        let bytes = try FileContents.read(path, maxBytes: 1 << 30)
        return try ImageExplainer(classifier).picture(of: bytes[...], side: 2048, RequestContext())
    }
}
