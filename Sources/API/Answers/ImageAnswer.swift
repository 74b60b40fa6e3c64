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
            "image": .object([
                "format": .string(answer.format.rawValue),
                "width": .integer(answer.width),
                "height": .integer(answer.height),
                "orientation": .integer(answer.orientation),
            ]),
            "timing_ms": .object([
                "decode": .number(milliseconds(answer.decode)),
                "preprocess": .number(milliseconds(answer.preprocess)),
                "queue": .number(milliseconds(answer.inference.queue)),
                "inference": .number(milliseconds(answer.inference.compute)),
                "batch_size": .integer(answer.inference.batchSize),
            ]),
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
