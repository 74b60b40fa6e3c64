import Engine
import Imaging
import Models
import Support
import Tasks
import Testing

/// From numbers to boxes, and which of them are kept.
struct DetectionTests {
    private static func head(
        _ json: String,
        _ outputs: [TensorPort],
        _ classes: Int? = nil,
        side: Int = 32
    ) throws -> BoxHead {
        let description = try BoxDescription(JSONReader(JSONValue(parsing: Array(json.utf8)), path: "boxes"))
        return try BoxHead(description, outputs, input: [3, side, side], classes: classes)
    }

    private static func box(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> ImageBox {
        ImageBox(left: left, top: top, right: right, bottom: bottom)
    }

    private static func near(_ one: ImageBox, _ other: ImageBox) -> Bool {
        max(
            abs(one.left - other.left),
            abs(one.top - other.top),
            abs(one.right - other.right),
            abs(one.bottom - other.bottom)
        )
            < 1e-4
    }

    // MARK: Formats

    @Test func `yolov8 has centres and sizes in pixels, whichever way its numbers lie`() throws {
        // Two classes, three anchors.
        let rows: [[Float]] = [
            [10, 12, 4, 6, 0.9, 0.2], [20, 20, 2, 2, 0.1, 0.2], [5, 5, 10, 10, 0.3, 0.7],
        ]
        let across = (0..<6).flatMap { number in rows.map { $0[number] } }
        let port = TensorPort("output0", [6, 3], .f32)
        let head = try Self.head(#""yolov8""#, [port], 2)
        #expect(head.anchors == 3 && head.classes == 2 && !head.isAnchorMajor)
        let found = try BoxDecoder.candidates(across, head, threshold: 0.25)
        #expect(found.map(\.classIndex) == [0, 1] && found.map(\.score) == [0.9, 0.7])
        #expect(found.map(\.box) == [Self.box(8, 9, 12, 15), Self.box(0, 0, 10, 10)])
        let turned = try Self.head(#""yolov8""#, [TensorPort("output0", [3, 6], .f32)], 2)
        #expect(turned.isAnchorMajor)
        #expect(try BoxDecoder.candidates(rows.flatMap(\.self), turned, threshold: 0.25) == found)
    }

    @Test func `yolox has cells of grids, powers, and a product of scores`() throws {
        // Strides 16 and 32 of 32 pixels: four cells and one.
        let head = try Self.head(
            #"{"format": "yolox", "strides": [16, 32]}"#,
            [TensorPort("output", [5, 7], .f32)]
        )
        var numbers = [Float](repeating: 0, count: 35)
        numbers.replaceSubrange(14..<21, with: [0.5, 0.25, 0, 0.6931472, 0.5, 0.2, 0.8]) // row 1, column 0
        numbers.replaceSubrange(28..<35, with: [0.5, 0.5, -0.6931472, 0, 0.9, 1, 0]) // the one of 32 pixels
        let found = try BoxDecoder.candidates(numbers, head, threshold: 0.25)
        #expect(found.map(\.classIndex) == [1, 0] && found.map(\.anchor) == [2, 4])
        #expect(abs(found[0].score - 0.4) < 1e-6 && abs(found[1].score - 0.9) < 1e-6)
        #expect(Self.near(found[0].box, Self.box(0, 4, 16, 36)))
        #expect(Self.near(found[1].box, Self.box(8, 0, 24, 32)))
        let decoded = try Self.head(
            #"{"format": "yolox", "decoded": true}"#,
            [TensorPort("output", [5, 7], .f32)]
        )
        let plain = try BoxDecoder.candidates(numbers, decoded, threshold: 0.25)
        #expect(plain.count == 0, "sizes are 0 and below")
    }

    @Test func `ssd has offsets from priors, by variances, and a softmax beside the background`() throws {
        let grids =
            #"{"grids": [{"size": [2, 2], "min_sizes": [8], "max_sizes": [18], "aspect_ratios": [2]}]}"#
        let head = try Self.head(
            #"{"format": "ssd", "priors": \#(grids)}"#,
            [TensorPort("loc", [16, 4], .f32), TensorPort("conf", [16, 3], .f32)]
        )
        #expect(head.classes == 2)
        let priors = try #require(head.priors)
        let expected: [Double] = [
            0.25, 0.25, 8 / 32, 8 / 32, 0.25, 0.25, 12 / 32, 12 / 32, 0.25, 0.25, 0.3535534, 0.1767767, 0.25,
            0.25, 0.1767767, 0.3535534,
        ]
        for (one, other) in zip(priors, expected) { #expect(abs(one - other) < 1e-6) }
        var locations = [Float](repeating: 0, count: 64)
        var logits = [Float](repeating: 0, count: 48)
        for anchor in 0..<16 { logits[3 * anchor] = 9 } // all are background but the first
        locations.replaceSubrange(0..<4, with: [5, -2.5, 3.4657359, 0])
        logits.replaceSubrange(0..<3, with: [0, 0, 2])
        let found = try BoxDecoder.candidates(locations + logits, head, threshold: 0.5)
        #expect(found.count == 1 && found[0].classIndex == 1)
        #expect(abs(found[0].score - 0.786986) < 1e-5)
        // Centre 0.25 + 5 · 0.1 · 0.25 and 0.25 − 2.5 · 0.1 · 0.25; width 8 · e^(3.4657 · 0.2) = 16.
        #expect(Self.near(found[0].box, Self.box(4, 2, 20, 10)))
    }

    @Test func `priors may be an output, and corners may have labels`() throws {
        let ssd = try Self.head(
            #"{"format": "ssd", "priors": "anchors", "boxes": "loc", "activation": "none", "background": null}"#,
            [
                TensorPort("loc", [1, 4], .f32), TensorPort("conf", [1, 2], .f32),
                TensorPort("anchors", [2, 4], .f32),
            ]
        )
        #expect(ssd.classes == 2)
        let outputs: [Float] = [0, 0, 0, 0, 0.2, 0.6, 0.5, 0.5, 0.25, 0.5, 0.1, 0.1, 0.2, 0.2]
        let one = try BoxDecoder.candidates(outputs, ssd, threshold: 0.5)
        #expect(one.map(\.box) == [Self.box(12, 8, 20, 24)] && one[0].classIndex == 1)
        let corners = try Self.head(
            #"{"format": "xyxy+scores", "labels": "labels", "background": 0, "unit": "unit"}"#,
            [
                TensorPort("boxes", [3, 4], .f32), TensorPort("labels", [3], .i64),
                TensorPort("scores", [3], .f32),
            ],
            2
        )
        let numbers: [Float] = [
            0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, 0, 0, 1, 1, 0.9, 0.8, 0.7, 2, 0, 9,
        ]
        let found = try BoxDecoder.candidates(numbers, corners, threshold: 0.5)
        #expect(found.map(\.classIndex) == [1], "0 is the background, 9 no class")
        #expect(found[0].box == Self.box(0, 0, 16, 16))
        let several = try Self.head(
            #""xyxy+scores""#,
            [TensorPort("b", [1, 4], .f32), TensorPort("s", [1, 3], .f32)]
        )
        let classes = try BoxDecoder.candidates([1, 2, 3, 4, 0.6, 0.1, 0.7], several, threshold: 0.5)
        #expect(classes.map(\.classIndex) == [0, 2], "each class that reaches the threshold")
    }

    // swift-format-ignore
    @Test(arguments: [
        (#""yolo""#,                                      "expected yolov8, yolox, ssd, xyxy+scores; found 'yolo'"),
        (#""ssd""#,                                       "'ssd' needs its prior boxes"),
        (#"{"format": "yolov8", "strides": [8]}"#,        "unknown key 'strides'"),
        (#"{"format": "yolov8", "output": "nothing"}"#,   "there is no output 'nothing'; there are 'output' of 5×7"),
        (#"{"format": "yolox"}"#,                         "strides 8, 16, 32 make 21 cells of 32×32, but 'output' is 5×7"),
        (#"{"format": "yolox", "strides": []}"#,          "expected 1 to 16 strides, found 0"),
        (#"{"format": "ssd", "priors": {"grids": []}}"#,  "expected 1 to 32 grids, found 0"),
        (#"{"format": "ssd", "priors": {"grids": [{"step": 1e-300, "min_sizes": [1]}]}}"#, "a 'step' from 1 to 16384 pixels"),
        (#"{"format": "ssd", "priors": {"grids": [{"min_sizes": [1]}]}}"#, "expected a 'size', or a 'step'"),
        (#"{"format": "xyxy+scores"}"#,                   "name one of the outputs"),
    ])
    func `says what does not fit`(json: String, message: String) {
        let error = #expect(throws: FormatError.self) {
            try Self.head(json, [TensorPort("output", [5, 7], .f32)])
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func `hostile numbers make no boxes, and no crash`() throws {
        let hostile: [Float] = [
            .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -1e30, .leastNonzeroMagnitude, 0, -0.0, 1,
            88,
        ]
        var random = SplitMix64(seed: 5)
        let heads = [
            try Self.head(#""yolov8""#, [TensorPort("o", [6, 21], .f32)], 2),
            try Self.head(#""yolox""#, [TensorPort("o", [21, 7], .f32)], 2),
            try Self.head(
                #"{"format": "ssd", "priors": "p", "boxes": "b", "scores": "s"}"#,
                [
                    TensorPort("b", [21, 4], .f32), TensorPort("s", [21, 3], .f32),
                    TensorPort("p", [21, 4], .f32),
                ]
            ),
            try Self.head(
                #"{"format": "xyxy+scores", "boxes": "b", "scores": "s", "labels": "l"}"#,
                [TensorPort("b", [21, 4], .f32), TensorPort("s", [21], .f32), TensorPort("l", [21], .i64)],
                2
            ),
        ]
        for round in 0..<2000 {
            let head = heads[round % heads.count]
            let count = head.parts.reduce(0) { $0 + $1.count }
            let numbers = (0..<count).map { _ in hostile[Int(random.next() % UInt64(hostile.count))] }
            let candidates = try BoxDecoder.candidates(numbers, head, threshold: 0)
            for candidate in candidates {
                #expect(candidate.box.isProper && candidate.score.isFinite && 0..<2 ~= candidate.classIndex)
            }
            let kept = try NonMaximumSuppression.kept(candidates, overlap: 0.5)
            #expect(kept.count <= candidates.count)
        }
    }

    // MARK: Suppression

    private static func candidate(_ box: ImageBox, _ score: Float, _ anchor: Int, _ index: Int = 0)
        -> BoxCandidate
    {
        BoxCandidate(box, class: index, score: score, anchor: anchor)
    }

    @Test func `of boxes that overlap the best is kept, class by class`() throws {
        let candidates = [
            Self.candidate(Self.box(0, 0, 10, 10), 0.8, 0), Self.candidate(Self.box(1, 0, 11, 10), 0.9, 1),
            Self.candidate(Self.box(1, 0, 11, 10), 0.7, 2, 1),
            Self.candidate(Self.box(20, 0, 30, 10), 0.1, 3),
        ]
        let kept = try NonMaximumSuppression.kept(candidates, overlap: 0.5)
        #expect(kept.map(\.anchor) == [1, 2, 3])
        // 9/11 is not beyond itself.
        let overlap = candidates[0].box.overlap(with: candidates[1].box)
        #expect(abs(overlap - 90 / 110) < 1e-12)
        #expect(try NonMaximumSuppression.kept(candidates, overlap: overlap).map(\.anchor) == [1, 0, 2, 3])
        #expect(try NonMaximumSuppression.kept(candidates, overlap: 0.5, most: 2).map(\.anchor) == [1, 2])
    }

    @Test func `equal scores have one order, however they come`() throws {
        let boxes = (0..<40).map { index in
            Self.candidate(Self.box(Double(index % 7), 0, Double(index % 7 + 5), 5), 0.5, index, index % 2)
        }
        let first = try NonMaximumSuppression.kept(boxes, overlap: 0.3)
        var random = SplitMix64(seed: 3)
        for _ in 0..<20 {
            let shuffled = boxes.shuffled(using: &random)
            #expect(try NonMaximumSuppression.kept(shuffled, overlap: 0.3) == first)
        }
    }

    @Test func `nobody's boxes are not thinned out, nor read`() throws {
        let gone = RequestContext.test(deadline: .now - .seconds(1))
        let box = Self.candidate(Self.box(0, 0, 1, 1), 1, 0)
        #expect(throws: ServingError.deadlineExceeded) {
            try NonMaximumSuppression.kept([box], overlap: 0.5, gone)
        }
        let head = try Self.head(#""yolov8""#, [TensorPort("o", [6, 3], .f32)], 2)
        #expect(throws: ServingError.deadlineExceeded) {
            try BoxDecoder.candidates(Array(repeating: 0, count: 18), head, threshold: 0, gone)
        }
    }

    // MARK: Average precision

    @Test func `average precision is the area under what never rises`() {
        var tally = AveragePrecision(classes: 2)
        func found(_ score: Float, _ x: Double, _ index: Int = 0) -> Detection {
            Detection(index: index, label: nil, score: score, box: Self.box(x, 0, x + 10, 10))
        }
        func there(_ x: Double, difficult: Bool = false) -> AveragePrecision.Truth {
            .init(index: 0, box: Self.box(x, 0, x + 10, 10), isDifficult: difficult)
        }
        // By score: right, wrong, right, wrong (taken already), difficult (counts neither way); one is missed.
        tally.add([found(0.9, 0), found(0.8, 50), found(0.6, 1)], [there(0), there(100)])
        tally.add([found(0.7, 2), found(0.5, 20)], [there(0), there(20, difficult: true)])
        let quality = tally.perClass[0]
        #expect(quality.objects == 3 && quality.detections == 4 && quality.right == 2)
        // Precision 1 up to a recall of 1/3, then 2/3 up to 2/3.
        #expect(abs((quality.averagePrecision ?? 0) - (1.0 / 3 + 2.0 / 9)) < 1e-12)
        #expect(tally.perClass[1].averagePrecision == nil)
        #expect(tally.mean == quality.averagePrecision)
    }
}
