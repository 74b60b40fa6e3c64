package import Imaging
internal import Inference
package import Models
package import Support
package import Tasks

/// How objects in an image are written; the endpoints and the command line share it.
package struct DetectionAnswer: Sendable {
    private let model: Model

    package init(_ model: Model) { self.model = model }

    /// The members for one image: `detections`, `proposals` of a model that looks at regions, `image`, `timing_ms`.
    package func json(_ answer: ObjectDetector.Answer) -> JSONObject {
        var json: JSONObject = ["detections": .array(answer.detections.map { .object($0.json) })]
        json.append("proposals", (answer.regions?.count).map(JSONValue.integer))
        json.append("image", answer.run.imageJSON)
        let timing = answer.regions.map { Self.timing($0, answer) }
        json.append("timing_ms", timing ?? answer.run.timing(postprocess: answer.postprocess))
        return json
    }

    /// Milliseconds of the stages of an R-CNN; regions are warped while others are run.
    private static func timing(
        _ regions: ObjectDetector.Regions,
        _ answer: ObjectDetector.Answer
    ) -> JSONValue {
        let run = answer.run
        return .object([
            "decode": .number(milliseconds(run.decode)),
            "proposals": .number(milliseconds(regions.proposals)),
            "warps": .number(milliseconds(regions.warps)),
            "queue": .number(milliseconds(run.inference.queue)),
            "features": .number(milliseconds(run.inference.compute)),
            "svms": .number(milliseconds(answer.postprocess)),
            "batch_size": .integer(run.inference.batchSize),
        ])
    }

    /// A picture with the objects of an answer drawn on it.
    ///
    /// - Parameters:
    ///   - answer: what was found in the image.
    ///   - picture: the upright image, in any size.
    /// - Returns: a picture of the same size.
    package func drawn(_ answer: ObjectDetector.Answer, on picture: Image) -> Image {
        let scale = Double(picture.width) / Double(answer.run.size.width)
        return picture.drawn(
            answer.detections.map { detection in
                CaptionedBox(
                    detection.box.scaled(by: scale),
                    "\(detection.name) \(Self.hundredths(detection.score))",
                    Palette.distinct.colors[detection.index % Palette.distinct.colors.count]
                )
            }
        )
    }

    private static func hundredths(_ score: Float) -> String {
        guard score.magnitude < 100 else { return "\(score)" }
        let number = Int((score * 100).rounded())
        let digits = String(number.magnitude % 100)
        return
            "\(number < 0 ? "-" : "")\(number.magnitude / 100).\(digits.utf8.count < 2 ? "0" : "")\(digits)"
    }
}

extension Detection {
    /// `{"label"?, "index", "score", "box": [xmin, ymin, xmax, ymax]}`, the box in pixels of the upright image.
    package var json: JSONObject {
        var json = JSONObject()
        json.append("label", label.map(JSONValue.string))
        json.append("index", .integer(index))
        json.append("score", .float(score))
        json.append("box", .array(box.sides.map { .number(($0 * 100).rounded() / 100) }))
        return json
    }
}

extension ImageBox {
    /// Left, top, right, bottom.
    var sides: [Double] { [left, top, right, bottom] }
}
