import Foundation
import Imaging

/// A folder with the networks of `Fixtures/finders.py` as models, and pictures whose answers are known.
enum FinderModels {
    private static let fixtures = Repository.classifier.split(
        separator: "/",
        omittingEmptySubsequences: false
    )
    .dropLast().joined(separator: "/")

    private static let manifests: [(name: String, network: String, json: String)] = [
        (
            "detector", "detector",
            #"""
            {"task": "object-detection", "labels": ["red", "blue"], "boxes": "yolov8", "threshold": 0.5, "nms": 0.3,
             "preprocessing": {"resize": {"letterbox": [64, 64]}, "interpolation": "nearest"}}
            """#
        ),
        (
            "segmenter", "segmenter",
            #"""
            {"task": "semantic-segmentation", "labels": ["ground", "red", "blue"], "output": "classes",
             "preprocessing": {"resize": [32, 32], "interpolation": "nearest"}}
            """#
        ),
        ("pair", "pair", #"{"task": "tensors"}"#),
        (
            "embedder", "classifier",
            #"""
            {"task": "embedding", "normalize": true, "shape": {"height": 32, "width": 32},
             "preprocessing": {"resize": [32, 32]}}
            """#
        ),
    ]

    static let names = Set(manifests.map(\.name))

    static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for manifest in manifests {
            try folder.write(manifest.json, to: "\(manifest.name)/model.json")
            try FileManager.default.copyItem(
                atPath: "\(fixtures)/\(manifest.network).onnx",
                toPath: "\(folder.path)/\(manifest.name)/model.onnx"
            )
        }
        return folder
    }

    /// A gray picture with coloured squares.
    static func picture(
        _ width: Int,
        _ height: Int,
        _ squares: [(x: Range<Int>, y: Range<Int>, color: [UInt8])]
    ) throws -> [UInt8] {
        var pixels = [UInt8](repeating: 90, count: width * height * 3)
        for square in squares {
            for y in square.y {
                for x in square.x {
                    pixels.replaceSubrange((y * width + x) * 3..<(y * width + x) * 3 + 3, with: square.color)
                }
            }
        }
        return try PNGEncoder.encode(Image(width: width, height: height, channels: 3, pixels: pixels))
    }

    static let red: [UInt8] = [255, 0, 0]
    static let blue: [UInt8] = [0, 0, 255]
    static let dimBlue: [UInt8] = [0, 0, 180]

    /// 128 × 64 pixels, half as large in the network: a red square in one of its cells, and a dim blue one in another.
    static func squares() throws -> [UInt8] {
        try picture(128, 64, [(32..<48, 16..<32, red), (96..<112, 32..<48, dimBlue)])
    }

    /// 64 × 64 pixels, of which the left half is red.
    static func halves() throws -> [UInt8] { try picture(64, 64, [(0..<32, 0..<64, red)]) }
}
