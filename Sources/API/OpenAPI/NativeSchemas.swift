internal import Imaging
internal import Models
internal import Support
internal import Tasks

/// What Martlet's own routes take and answer.
extension Schema {
    /// Every refusal.
    static let error = Schema.named("Error", .object(["error": .string(), "code": .string()]))

    static let model = Schema.named(
        "Model",
        .object([
            "name": .string(), "version": .string(), "versions": .array(of: .string()),
            "state": .choice(ModelEntry.State.allCases.map(\.rawValue)), "ready": .boolean,
            "reason?": .string(), "task?": .choice(Manifest.Task.allCases.map(\.rawValue)),
            "architecture?": .string(), "parameters?": .integer(), "classes?": .integer(),
            "input?": .any, "preprocessing?": .any, "provenance?": .any,
            "model_version_status?": .array(of: .versionStatus),
        ])
    )

    /// `modules` are the subtotals of blocks such as residual ones.
    static let layers = Schema.named(
        "Layers",
        .object([
            "rows": .array(
                of: .object([
                    "id": .integer(), "layer": .string(), "input": .string(), "structure": .string(),
                    "output": .string(), "parameters": .integer(), "multiply_adds": .integer(),
                ])
            ),
            "modules": .array(
                of: .object([
                    "module": .string(), "parameters": .integer(), "multiply_adds": .integer(),
                ])
            ),
            "parameters": .integer(), "multiply_adds": .integer(),
        ])
    )

    static let versionStatus = Schema.named(
        "ModelVersionStatus",
        .object([
            "version": .string(),
            "state": .choice(["UNKNOWN", "START", "LOADING", "AVAILABLE", "UNLOADING", "END"]),
            "status": .object(["error_code": .string(), "error_message": .string()]),
        ])
    )

    static let change = Schema.named(
        "ModelChange",
        .object([
            "name": .string(), "version": .string(),
            "outcome": .choice(["loaded", "unchanged", "unloaded", "removed", "failed"]),
            "reason?": .string(),
        ])
    )

    /// An image in base64, as it is or as a `data:` URL.
    static let encodedImage = Schema.string(format: "base64-image")

    static let imagesInJSON = Schema.named(
        "Images",
        .anyOf([
            .closed(["image": .encodedImage]),
            // One that is no image has an error of its own in the answer.
            .closed([
                "images": .array(
                    of: .anyOf([.encodedImage, .any]),
                    atLeast: 1,
                    atMost: ImageUpload.maxImages
                )
            ]),
        ])
    )

    static let imageForm = Schema.named("ImageForm", .object(["image": .bytes]))

    static let classScore = Schema.named(
        "ClassScore",
        .object([
            "index": .integer(), "label?": .string(), "probability": .number(), "logit": .number(),
        ])
    )

    private static let timing = Schema.named(
        "Timing",
        .object([
            "decode": .number(), "preprocess": .number(), "queue": .number(), "inference": .number(),
            "batch_size": .integer(),
        ])
    )

    static let classification = Schema.named(
        "Classification",
        .object([
            "model?": .string(), "version?": .string(), "predictions?": .array(of: .classScore),
            "crops?": .object(["mode": .choice(CropMode.allCases.map(\.rawValue)), "count": .integer()]),
            "image?": .object([
                "format": .string(), "width": .integer(), "height": .integer(), "orientation": .integer(),
            ]),
            "timing_ms?": .timing,
            "results?": .array(of: .any),
        ])
    )

    private static let imageFacts = Schema.object([
        "format": .string(), "width": .integer(), "height": .integer(), "orientation": .integer(),
    ])

    static let detections = Schema.named(
        "Detections",
        .object([
            "model": .string(), "version": .string(),
            "detections?": .array(
                of: .object([
                    "label?": .string(), "index": .integer(), "score": .number(),
                    "box": .array(of: .number(), atLeast: 4, atMost: 4),
                ])
            ),
            "proposals?": .integer(), "image?": imageFacts, "timing_ms?": .map(of: .number()),
            "results?": .array(of: .any),
        ])
    )

    static let segmentation = Schema.named(
        "Segmentation",
        .object([
            "model": .string(), "version": .string(),
            "map?": .object([
                "height": .integer(), "width": .integer(), "runs": .array(of: .integer()),
            ]),
            "classes?": .array(
                of: .object([
                    "index": .integer(), "label?": .string(), "pixels": .integer(), "share": .number(),
                    "color": .string(),
                ])
            ),
            "image?": imageFacts, "timing_ms?": .map(of: .number()), "results?": .array(of: .any),
        ])
    )

    private static let caption = Schema.object([
        "text?": .string(), "tokens": .array(of: .anyOf([.string(), .integer()])), "score": .number(),
        "stop": .choice(["end", "length"]),
    ])

    static let captions = Schema.named(
        "Captions",
        .object([
            "model": .string(), "version": .string(), "text?": .string(),
            "tokens?": .array(of: .anyOf([.string(), .integer()])), "score?": .number(),
            "stop?": .choice(["end", "length"]), "beams?": .array(of: caption), "seed?": .integer(),
            "attention?": .object([
                "height": .integer(), "width": .integer(),
                "box": .array(of: .number(), atLeast: 4, atMost: 4),
                "maps": .array(of: .array(of: .array(of: .number()))),
            ]),
            "image?": imageFacts, "timing_ms?": .map(of: .number()), "results?": .array(of: .any),
        ])
    )

    /// An instance as any model takes one.
    static let instance = Schema.anyOf([.string(), .array(of: .any), .map(of: .any)])

    static let predictRequest = Schema.named(
        "PredictRequest",
        .anyOf([
            .closed([
                "instances": .array(of: .instance, atLeast: 1, atMost: PredictRequest.maxInstances),
                "parameters?": .map(of: .any).orNull, "signature_name?": .string().orNull,
            ]),
            .closed([
                "inputs": .anyOf([.array(of: .instance, atLeast: 1), .map(of: .array(of: .instance))]),
                "parameters?": .map(of: .any).orNull, "signature_name?": .string().orNull,
            ]),
        ])
    )

    static let predictions = Schema.named(
        "Predictions",
        .object(["predictions?": .array(of: .any), "outputs?": .any, "state?": .string()])
    )

    private static let effects = Schema.array(
        of: .object([
            "token?": .anyOf([.string(), .integer()]), "frame?": .integer(), "step?": .integer(),
            "effect": .number().orNull, "unknown?": .boolean,
        ])
    )

    static let explanation = Schema.named(
        "Explanation",
        .object([
            "model": .string(), "version": .string(),
            "method": .choice(ExplanationMethod.allCases.map(\.rawValue)),
            "class": .object([
                "index": .integer(), "label?": .string(), "probability?": .number(), "logit?": .number(),
                "value?": .number(),
            ]),
            "grid?": .object([
                "height": .integer(), "width": .integer(), "values": .array(of: .array(of: .number())),
            ]),
            "box?": .array(of: .number(), atLeast: 4, atMost: 4),
            "image?": .object([
                "format": .string(), "width": .integer(), "height": .integer(), "orientation": .integer(),
            ]),
            "bias?": .number(), "occlusion?": .object(["patch": .integer(), "stride": .integer()]),
            "tokens?": effects, "frames?": effects, "steps?": effects,
            "runs": .integer(), "timing_ms": .map(of: .number()),
        ])
    )

    static let embeddings = Schema.named(
        "Embeddings",
        .object([
            "model": .string(), "version": .string(), "layer?": .string(),
            "shape?": .array(of: .integer()), "embedding?": .array(of: .number()),
            "results?": .array(of: .any),
        ])
    )

    static let neighbors = Schema.named(
        "Neighbors",
        .object([
            "model": .string(), "version": .string(),
            "method": .choice(Retrieval.Method.allCases.map(\.rawValue)), "images": .integer(),
            "neighbors?": .array(
                of: .object(["name": .string(), "similarity": .number(), "index": .integer()])
            ),
            "compared?": .integer(), "search_ms?": .number(), "results?": .array(of: .any),
        ])
    )

    static let generateRequest = Schema.named(
        "GenerateRequest",
        .closed([
            "prompt": .string(), "max_tokens?": .integer(atLeast: 1, atMost: 1 << 16).orNull,
            "temperature?": .number(atLeast: 0, atMost: 100).orNull,
            "top_k?": .integer(atLeast: 1, atMost: 1 << 24).orNull,
            "top_p?": .number(atLeast: 1e-9, atMost: 1).orNull,
            "seed?": .integer(atLeast: 0, atMost: Sampler.maxSeed).orNull,
            "stop?": .anyOf([.string(), .array(of: .string(), atMost: 16), .null]),
            "stream?": .boolean.orNull,
        ])
    )

    static let generation = Schema.named(
        "Generation",
        .object([
            "model": .string(), "version": .string(), "text": .string(), "tokens": .integer(),
            "finish_reason?": .choice(Generation.FinishReason.allCases.map(\.rawValue)),
            "seed": .integer(), "unknown_tokens?": .integer(),
            "timing_ms": .object([
                "queue": .number(), "inference": .number(), "total": .number(),
            ]),
        ])
    )

    static let versionIndex = Schema.named(
        "VersionIndex",
        .object([
            "name": .string(), "version?": .string(),
            "state?": .choice(["READY", "LOADING", "UNLOADING", "UNAVAILABLE", "UNKNOWN"]),
            "reason?": .string(),
        ])
    )
}

extension RouteDescription.Parameter {
    static let timeout = Self(
        "timeout_ms",
        .integer(atLeast: 1),
        "The answer is 504 when it is not ready by then"
    )
    static let topK = Self("top_k", .integer(atLeast: 1), "How many classes to list")
}
