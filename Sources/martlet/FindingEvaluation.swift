internal import API
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// How well a model finds things in images: boxes by their average precision, classes of pixels by their overlap.
struct FindingEvaluation {
    private static let maxBytes = 1 << 30
    private static let columns = ["image", "class", "xmin", "ymin", "xmax", "ymax"]
    /// Detections are ranked from the surest to the least sure, so that none is left out for its score.
    private static let threshold = 0.001

    private let model: Model
    private let engine: CommandEngine

    init(_ model: Model, _ engine: CommandEngine) { (self.model, self.engine) = (model, engine) }

    /// Measures boxes against those that a file lists.
    ///
    /// Each line has image, class, xmin, ymin, xmax, ymax and perhaps 1 for `difficult`, with tabs between, in pixels of the
    /// upright image; the first may name the columns. An image without objects has a line with its name alone.
    func boxes(listedIn path: String) throws -> FindingReport {
        let truths = try Self.truths(path, ClassNames(model))
        var options = ObjectDetector.Options()
        (options.threshold, options.topK) = (Self.threshold, 1000)
        var (tally, count, failed) = (AveragePrecision(classes: model.classes), 0, 0)
        let seconds = try run(truths.order, ImageStream(model, engine, options)) { image, outcome in
            switch outcome {
            case .success(let answer):
                count += 1
                tally.add(answer.detections, truths.boxes[image] ?? [])
            case .failure: failed += 1
            }
        }
        let rows = tally.perClass.enumerated().map { index, quality in
            FindingReport.Row(
                name: model.className(index),
                count: quality.objects,
                found: quality.detections,
                right: quality.right,
                measure: quality.averagePrecision
            )
        }
        return FindingReport(
            model: model,
            rows: rows,
            images: count,
            failed: failed,
            seconds: seconds,
            measure: .averagePrecision(mean: tally.mean)
        )
    }

    /// The images of `images` against the masks of `masks`: PNGs of the same names whose pixels are classes.
    func masks(in folder: String) throws -> FindingReport {
        let masks = try DirectoryListing.names(in: "\(folder)/masks").filter { $0.hasSuffix(".png") }.sorted()
        let images = try DirectoryListing.names(in: "\(folder)/images").sorted()
        let pairs = try masks.map { mask in
            let stem = mask.dropLast(4)
            guard let image = images.first(where: { $0.hasPrefix("\(stem).") }) else {
                throw CommandError("\(folder)/images has no image for the mask '\(mask)'")
            }
            return (image: "\(folder)/images/\(image)", mask: "\(folder)/masks/\(mask)")
        }
        let ofImage = Dictionary(pairs.map { ($0.image, $0.mask) }) { first, _ in first }
        var (tally, count, failed) = (IntersectionOverUnion(classes: model.classes), 0, 0)
        let stream = ImageStream<ImageSegmenter.Answer>(model, engine)
        let seconds = try run(pairs.map(\.image), stream) { image, outcome in
            guard case .success(let answer) = outcome, let mask = ofImage[image] else {
                failed += 1
                return
            }
            let bytes = try FileContents.read(mask, maxBytes: Self.maxBytes)
            let truth = try ImageDecoder.indices(bytes[...], limits: ImageLimits())
            guard (truth.height, truth.width) == (answer.map.height, answer.map.width) else {
                throw CommandError(
                    "\(mask): expected \(answer.map.width)×\(answer.map.height) pixels as the image has, "
                        + "found \(truth.width)×\(truth.height)"
                )
            }
            count += 1
            tally.add(answer.map, truth.pixels)
        }
        let rows = tally.perClass.enumerated().map { index, measure in
            FindingReport.Row(
                name: model.className(index),
                count: tally.pixels(of: index),
                found: nil,
                right: nil,
                measure: measure
            )
        }
        return FindingReport(
            model: model,
            rows: rows,
            images: count,
            failed: failed,
            seconds: seconds,
            measure: .intersectionOverUnion(mean: tally.mean, accuracy: tally.accuracy)
        )
    }

    /// Runs images with a line that says how far it is; returns the seconds.
    private func run<Answer>(
        _ images: [String],
        _ stream: ImageStream<Answer>,
        _ take: (String, ImageStream<Answer>.Outcome) throws -> Void
    ) throws -> Double {
        guard !images.isEmpty else { throw CommandError("no images were found") }
        let progress = Progress("evaluating \(model.name)", of: images.count, in: .items("images"))
        defer { progress.finish() }
        var rest = images[...]
        let start = ContinuousClock.now
        try stream.run(
            next: { rest.popFirst() },
            path: { $0 },
            take: { image, outcome in
                progress.advance()
                if case .failure(let error) = outcome { progress.note("martlet: \(image): \(error)") }
                try take(image, outcome)
            }
        )
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private static func truths(
        _ path: String,
        _ classes: ClassNames
    ) throws -> (order: [String], boxes: [String: [AveragePrecision.Truth]]) {
        guard let text = String(validating: try FileContents.read(path, maxBytes: maxBytes), as: UTF8.self)
        else {
            throw CommandError("\(path): expected UTF-8 text, found other bytes")
        }
        let files = NamedImages(beside: path)
        var (order, boxes) = ([String](), [String: [AveragePrecision.Truth]]())
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard !line.isEmpty, Array(fields.prefix(2)) != Array(columns.prefix(2)) else { continue }
            let image = files.path(of: fields[0])
            if boxes[image] == nil {
                order.append(image)
                boxes[image] = []
            }
            guard fields.count > 1 else { continue }
            do {
                boxes[image]?.append(try truth(fields, classes))
            } catch {
                throw CommandError("\(path) line \(number + 1): \(error)")
            }
        }
        return (order, boxes)
    }

    private static func truth(_ fields: [String], _ classes: ClassNames) throws -> AveragePrecision.Truth {
        guard 6...7 ~= fields.count else {
            let expected = columns.joined(separator: ", ")
            throw CommandError("expected \(expected) with tabs between, found \(fields.count) fields")
        }
        let sides = fields[2..<6].compactMap(Double.init)
        guard sides.count == 4, sides.allSatisfy(\.isFinite), sides[0] < sides[2], sides[1] < sides[3] else {
            throw CommandError(
                "expected a box, xmin < xmax and ymin < ymax, found \(fields[2..<6].joined(separator: " "))"
            )
        }
        return AveragePrecision.Truth(
            index: try classes.index(of: fields[1]),
            box: ImageBox(left: sides[0], top: sides[1], right: sides[2], bottom: sides[3]),
            isDifficult: fields.count == 7 && fields[6] == "1"
        )
    }
}

/// The images that a table names: files beside it, or in a folder `images` there, with or without their ending.
private struct NamedImages {
    private let folder: String
    private let known: [String: String]

    init(beside path: String) {
        folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "./"
        var known: [String: String] = [:]
        for place in ["images/", ""] {
            // A folder that is not there has no images.
            for name in (try? DirectoryListing.names(in: folder + place)) ?? [] {
                known[name] = place + name
                if let dot = name.lastIndex(of: "."), dot > name.startIndex {
                    known[String(name[..<dot])] = place + name
                }
            }
        }
        self.known = known
    }

    func path(of name: String) -> String { name.hasPrefix("/") ? name : folder + (known[name] ?? name) }
}

/// What `evaluate` says of a model that finds things in images.
struct FindingReport {
    /// A class.
    struct Row {
        let name: String
        /// Objects, or pixels, that are there.
        let count: Int
        let found: Int?
        let right: Int?
        /// Nil of a class that is not there.
        let measure: Double?
    }

    enum Measure {
        case averagePrecision(mean: Double)
        case intersectionOverUnion(mean: Double, accuracy: Double)
    }

    let model: Model
    let rows: [Row]
    let images: Int
    let failed: Int
    let seconds: Double
    let measure: Measure

    private var isBoxes: Bool { if case .averagePrecision = measure { true } else { false } }

    var json: JSONObject {
        var json: JSONObject = [
            "model": .string(model.name), "version": .string(model.version),
            "task": .string(model.manifest.task.rawValue), "images": .integer(images),
            "failed": .integer(failed),
        ]
        switch measure {
        case .averagePrecision(let mean):
            json.append("mean_average_precision", .number(mean))
            json.append("overlap", .number(0.5))
        case .intersectionOverUnion(let mean, let accuracy):
            json.append("mean_intersection_over_union", .number(mean))
            json.append("pixel_accuracy", .number(accuracy))
        }
        json.append("images_per_second", .number(seconds > 0 ? Double(images) / seconds : 0))
        let classes = rows.map { row in
            var json: JSONObject = ["class": .string(row.name)]
            json.append(isBoxes ? "objects" : "pixels", .integer(row.count))
            json.append("detections", row.found.map(JSONValue.integer))
            json.append("right", row.right.map(JSONValue.integer))
            let name = isBoxes ? "average_precision" : "intersection_over_union"
            json.append(name, row.measure.map(JSONValue.number) ?? .null)
            return JSONValue.object(json)
        }
        json.append("classes", .array(classes))
        return json
    }

    var text: String {
        let summary =
            switch measure {
            case .averagePrecision(let mean): "mean average precision \(percent(mean)), at an overlap of 0.5"
            case .intersectionOverUnion(let mean, let accuracy):
                "mean intersection over union \(percent(mean)), \(percent(accuracy)) of the pixels right"
            }
        let table = TextTable(
            columns: isBoxes
                ? ["class", "objects", "found", "right", "average precision"]
                : ["class", "pixels", "intersection over union"],
            rows: rows.filter { $0.count > 0 || $0.measure != nil }.map { row in
                let measure = row.measure.map(percent) ?? ""
                return isBoxes
                    ? [row.name, "\(row.count)", "\(row.found ?? 0)", "\(row.right ?? 0)", measure]
                    : [row.name, "\(row.count)", measure]
            }
        )
        let rate = threeDigits(seconds > 0 ? Double(images) / seconds : 0)
        return
            "\(model.name), version \(model.version): \(images) images, \(rate) images/s\n\n\(table.text)\n\n\(summary)"
    }

    /// Writes `report.json` into a folder.
    ///
    /// - Throws: `SystemError` when it cannot be written.
    func write(to folder: String) throws {
        try Folder.create(folder)
        let file = try OutputFile(path: "\(folder)/report.json")
        try file.write(Array((JSONValue.object(json).text + "\n").utf8))
        try file.commit()
    }
}
