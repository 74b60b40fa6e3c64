internal import API
internal import ArgumentParser
internal import Imaging
internal import Platform
internal import Support

/// `martlet propose IMAGE…`: where objects may be in image files, whatever they are.
struct Propose: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Propose the regions of image files in which objects may be.",
        discussion: """
            Prints a line of JSON for each file, in their order: its path, the size of the upright image, and boxes in pixels \
            of it, the best first: xmin, ymin, xmax, ymax, of which the last two lie just beyond the box. \
            They are the regions that a model of the architecture rcnn classifies.
            """
    )

    /// How boxes are found.
    enum Method: String, CaseIterable, ExpressibleByArgument {
        case selectiveSearch = "selective-search"
        case slidingWindow = "sliding-window"
    }

    @Argument(help: "Image files.", completion: .images)
    var images: [String]

    @Option(help: "How boxes are found: \(Method.allCases.map(\.rawValue).joined(separator: ", ")).")
    var method: Method = .selectiveSearch

    @Flag(
        name: .customLong("quality"),
        help: "Search with 80 strategies in place of 8: more boxes, more slowly."
    )
    var isThorough = false

    @Option(help: "How many boxes of an image to print at most, the best.")
    var limit = 2000

    @OptionGroup var threads: ThreadsOption

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1, found \(limit)") }
        if isThorough, method != .selectiveSearch {
            throw ValidationError("--quality is for --method \(Method.selectiveSearch.rawValue)")
        }
    }

    func run() throws {
        let proposals = RegionProposals(
            method == .slidingWindow ? .slidingWindow : .selectiveSearch(isThorough ? .quality : .fast)
        )
        let limit = limit
        var (rest, failed) = (images[...], 0)
        try OrderedWork.run(
            threads: threads.count,
            next: { rest.popFirst() },
            work: { path in (path, Self.line(of: path, proposals, limit)) },
            take: { path, line in
                switch line {
                case .success(let line): print(line)
                case .failure(let error):
                    failed += 1
                    StandardStream.error.writeLine("martlet: \(path): \(error)")
                }
            }
        )
        if failed > 0 { throw CommandError("\(failed) of \(images.count) files could not be answered") }
    }

    /// What is printed of a file.
    private static func line(
        of path: String,
        _ proposals: RegionProposals,
        _ limit: Int
    ) -> Result<String, CommandError> {
        do {
            let bytes = try FileContents.read(path, maxBytes: 1 << 30)
            let image = try ImageDecoder.decode(bytes[...], color: .rgb).image
            let boxes = try proposals.boxes(in: image, limit: limit)
            let json: JSONObject = [
                "path": .string(path), "width": .integer(image.width), "height": .integer(image.height),
                "boxes": .array(
                    boxes.map { .array([$0.left, $0.top, $0.right, $0.bottom].map(JSONValue.integer)) }
                ),
            ]
            return .success(JSONValue.object(json).text)
        } catch let error as SystemError {
            return .failure(CommandError(error.reason))
        } catch {
            return .failure(CommandError("\(error)"))
        }
    }
}
