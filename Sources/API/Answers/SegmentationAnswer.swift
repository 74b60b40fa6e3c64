internal import HTTP
package import Imaging
package import Models
package import Support
package import Tasks

/// How the classes of an image's pixels are written; the endpoints and the command line share it.
package struct SegmentationAnswer: Sendable {
    private let model: Model
    private let head: MapHead

    /// - Throws: `ServingError` for a model of another task.
    package init(_ model: Model) throws(ServingError) {
        self.model = model
        head = try model.mapHead
    }

    /// What the answer takes as JSON, nearly: its numbers as a tree, and their text.
    func bytes(of map: ClassMap) -> Int { map.runs.count * 2 * (40 + 8) + map.counts.count * 1024 }

    /// The members for one image: `map`, `classes`, `image`, `timing_ms`.
    package func json(_ answer: ImageSegmenter.Answer) -> JSONObject {
        var json = self.json(answer.map)
        json.append("image", answer.run.imageJSON)
        json.append("timing_ms", answer.run.timing(postprocess: answer.postprocess))
        return json
    }

    /// `{"map": {"height", "width", "runs": [class, length, …]}, "classes": [{"index", "label"?, "pixels", "share", "color"}]}`.
    ///
    /// Runs go row by row from the top left pixel and on from one row to the next; `classes` has those that are there.
    package func json(_ map: ClassMap) -> JSONObject {
        let runs = map.runs.flatMap { [JSONValue.integer($0.index), .integer($0.length)] }
        let palette = head.palette
        let all = Double(map.height * map.width)
        let classes = map.counts.map { index, pixels in
            var json: JSONObject = ["index": .integer(index)]
            json.append("label", model.labels.map { .string($0[index]) })
            json.append("pixels", .integer(pixels))
            json.append("share", .float(Float(Double(pixels) / all)))
            json.append("color", .string(palette[index].hexadecimal))
            return JSONValue.object(json)
        }
        return [
            "map": .object([
                "height": .integer(map.height), "width": .integer(map.width), "runs": .array(runs),
            ]),
            "classes": .array(classes),
        ]
    }

    /// A PNG whose pixels are the classes, with the model's palette.
    ///
    /// - Throws: `ServingError` 400 for more classes than a PNG has colours, 503 when there is no memory.
    package func png(_ map: ClassMap) throws(ServingError) -> [UInt8] {
        guard head.classes <= Palette.maxColors else {
            throw .invalidParameter(
                "format",
                expected: "json for \(head.classes) classes, as a PNG has \(Palette.maxColors) colours",
                found: "png"
            )
        }
        do throws(ImageError) {
            return try PNGEncoder.encode(map.image, head.palette)
        } catch {
            throw .memoryFull(wanted: map.classes.count, limit: 0)
        }
    }

    /// A mask of one class: white where it is, black elsewhere.
    ///
    /// - Throws: `ServingError` 503 when there is no memory.
    func mask(of index: Int, in map: ClassMap) throws(ServingError) -> [UInt8] {
        let pixels = map.classes.map { UInt8($0 == UInt16(index) ? 255 : 0) }
        do throws(ImageError) {
            return try PNGEncoder.encode(
                Image(width: map.width, height: map.height, channels: 1, pixels: pixels)
            )
        } catch {
            throw .memoryFull(wanted: pixels.count, limit: 0)
        }
    }

    /// A picture with the colours of the classes over it; class 0 has none.
    package func drawn(_ answer: ImageSegmenter.Answer, on picture: Image) -> Image {
        answer.map.drawn(over: picture, head.palette, background: 0)
    }
}
