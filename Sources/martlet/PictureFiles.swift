internal import Imaging
internal import Platform
internal import Support
internal import Tasks

/// Where a command that draws puts its pictures: a PNG for one image, a folder of them for several.
struct PictureFiles {
    /// The longest side of a picture.
    static let side = 2048

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

    /// The upright image of a file, for a picture.
    static func picture(of path: String, _ engine: CommandEngine) throws -> Image {
        let bytes = try FileContents.read(path, maxBytes: 1 << 30)
        return try ImageExplainer(engine.classifier).picture(of: bytes[...], side: side, RequestContext())
    }
}

/// Runs a command on images one after another: each is answered, written and printed, and what failed is counted.
struct PictureRun<Answer: Sendable> {
    let names: [String]
    let output: OutputOption

    /// - Parameters:
    ///   - stream: what is done with the images.
    ///   - heading: members of the JSON before `results`.
    ///   - entry: what is said of an image: its JSON, and its text.
    /// - Throws: what `entry` throws, and `CommandError` when an image failed.
    func run(
        _ stream: ImageStream<Answer>,
        _ heading: JSONObject,
        _ entry: (String, Answer) throws -> (json: JSONObject, text: String)
    ) throws {
        var (entries, texts, failed) = ([JSONValue](), [String](), 0)
        var rest = names[...]
        try stream.run(
            next: { rest.popFirst() },
            path: { $0 },
            take: { path, outcome in
                var json: JSONObject = ["path": .string(path)]
                switch outcome {
                case .success(let answer):
                    let said = try entry(path, answer)
                    json.append(contentsOf: said.json)
                    texts.append("\(path)\n\(said.text)")
                case .failure(let error):
                    failed += 1
                    json.append("error", .string(error.description))
                    StandardStream.error.writeLine("martlet: \(path): \(error)")
                }
                entries.append(.object(json))
            }
        )
        var json = heading
        json.append("results", .array(entries))
        output.print(json: .object(json), text: texts.joined(separator: "\n\n"))
        if failed > 0 { throw CommandError("\(failed) of \(names.count) files could not be answered") }
    }
}
