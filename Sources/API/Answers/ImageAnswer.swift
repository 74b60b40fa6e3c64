internal import Imaging
internal import Inference
package import Support
package import Tasks

/// How the answer for one image is written; the endpoints and the command line share it.
package struct ImageAnswer: Sendable {
    /// How many classes are listed at most; nil leaves it to the model.
    let topK: Int?
    let labels: [String]?
    /// Whether the box and the best class of each crop are listed.
    let listsCrops: Bool

    package init(topK: Int?, labels: [String]?, listsCrops: Bool = false) {
        self.topK = topK
        self.labels = labels
        self.listsCrops = listsCrops
    }

    /// The members for one image: `predictions`, `crops`, `image`, `timing_ms`.
    package func json(_ answer: ImageClassifier.Answer) throws(ServingError) -> JSONObject {
        var crops: JSONObject = [
            "mode": .string(answer.mode.rawValue), "count": .integer(answer.crops.count),
        ]
        if listsCrops { crops.append("crops", .array(try details(answer))) }
        return [
            "predictions": .array(answer.scores.listed(topK, labels: labels).map { .object($0.json) }),
            "crops": .object(crops),
            "image": answer.run.imageJSON,
            "timing_ms": .object(answer.run.timing),
        ]
    }

    /// The box `[x, y, width, height]` of each crop in the image whose shorter side was resized to `scale` and then
    /// padded, and its best class.
    private func details(_ answer: ImageClassifier.Answer) throws(ServingError) -> [JSONValue] {
        var details: [JSONValue] = []
        for (placed, output) in zip(answer.crops, answer.outputs) {
            let crop = placed.crop
            details.append(
                .object([
                    "box": .array([crop.x, crop.y, crop.width, crop.height].map(JSONValue.integer)),
                    "mirrored": .bool(crop.isMirrored),
                    "scale": .integer(placed.scale),
                    "top1": .object(
                        try ClassScores([output], scoring: answer.scores.scoring).top(1, labels: labels)[0]
                            .json
                    ),
                ])
            )
        }
        return details
    }
}

extension ClassScores.Prediction {
    /// `{"index", "label", "probability", "logit"}`; no label where the model has none.
    package var json: JSONObject {
        var json: JSONObject = ["index": .integer(index)]
        json.append("label", label.map(JSONValue.string))
        json.append("probability", .float(Float(probability)))
        json.append("logit", .float(Float(logit)))
        return json
    }
}

extension ImageRun {
    /// `{"format", "width", "height", "orientation"}` of the upright image.
    var imageJSON: JSONValue {
        .object([
            "format": .string(format.rawValue),
            "width": .integer(size.width),
            "height": .integer(size.height),
            "orientation": .integer(orientation),
        ])
    }

    /// Milliseconds, and how many images shared the largest batch.
    var timing: JSONObject {
        [
            "decode": .number(milliseconds(decode)),
            "preprocess": .number(milliseconds(preprocess)),
            "queue": .number(milliseconds(inference.queue)),
            "inference": .number(milliseconds(inference.compute)),
            "batch_size": .integer(inference.batchSize),
        ]
    }

    /// The same of a task that makes something of the network's numbers.
    func timing(postprocess: Duration) -> JSONValue {
        var json = timing
        json.append("postprocess", .number(milliseconds(postprocess)))
        return .object(json)
    }
}
