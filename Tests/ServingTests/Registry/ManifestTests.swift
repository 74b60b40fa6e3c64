import Engine
import Imaging
import Models
import Support
import Testing
import Zoo

struct ManifestTests {
    static let image = #""architecture": "resnet50", "task": "image-classification""#
    static let text = #""architecture": "gru", "task": "sequence-classification""#

    private func parse(_ text: String) throws -> Manifest { try Manifest(parsing: Array(text.utf8)) }

    @Test func `reads an image model with everything`() throws {
        let manifest = try parse(
            """
            {\(Self.image), "classes": 2, "labels": ["a", "b"], "weights": "w.safetensors",
             "options": {"lrn": {"size": 5, "alpha": 1e-4}, "flag": true, "kind": "A", "list": [1]},
             "preprocessing": {"resize": 256, "pad": 4, "crop": [224, 200], "interpolation": "bicubic",
               "color": "bgr", "scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6], "mirror": false},
             "provenance": {"source": "x", "anything": [1, {"y": null}]}}
            """
        )
        #expect(manifest.architecture == "resnet50")
        let marked = Array("\u{FEFF}{\(Self.image), \"preprocessing\": {}}".utf8)
        #expect(try Manifest(parsing: marked).task == .imageClassification)
        #expect(manifest.task == .imageClassification)
        #expect(manifest.classes == 2)
        #expect(manifest.labels == .inline(["a", "b"]))
        #expect(manifest.weights == "w.safetensors")
        #expect(manifest.options["lrn"] == .object(["size": .number(5), "alpha": .number(1e-4)]))
        #expect(manifest.options["flag"] == .bool(true))
        #expect(manifest.options["list"] == .array([.number(1)]))
        let expected = Preprocessing(
            resize: .shorterSide(256),
            pad: 4,
            crop: ImageSize(height: 224, width: 200),
            interpolation: .bicubic,
            color: .bgr,
            scale: 1,
            mean: [1, 2, 3],
            std: [4, 5, 6],
            mirror: false
        )
        #expect(manifest.input == .image(expected))
        #expect(manifest.provenance?.text == #"{"source":"x","anything":[1,{"y":null}]}"#)
    }

    @Test func `fills in the defaults of an image model`() throws {
        let manifest = try parse(#"{\#(Self.image), "preprocessing": {"resize": null, "crop": null}}"#)
        #expect(manifest.input == .image(Preprocessing()))
        #expect(manifest.weights == nil)
        #expect(manifest.labels == nil)
        #expect(manifest.classes == nil)
        #expect(manifest.pooling == .last)
        #expect(manifest.memory == .fast)
        let compact = try parse(#"{\#(Self.image), "preprocessing": {}, "memory": "compact"}"#)
        #expect(compact.memory == .compact)
    }

    @Test func `reads the three kinds of sequences`() throws {
        let input =
            #""kind": "text", "tokenizer": "words", "vocabulary": "v.txt", "lowercase": true, "unknown": "?""#
        let words = try parse(#"{\#(Self.text), "input": {\#(input), "max_length": 9}, "pooling": "max"}"#)
        guard case .text(let text) = words.input else {
            Issue.record("expected text, found \(words.input)")
            return
        }
        #expect(text.tokenizer == .words && text.vocabulary == "v.txt" && text.lowercase)
        #expect(text.unknown == "?" && text.maxLength == 9)
        #expect(words.pooling == .max)
        let last = try parse(#"{\#(Self.text), "input": {\#(input)}, "pooling": "last_output"}"#)
        #expect(last.pooling == .lastOutput)
        let tokens = try parse(#"{\#(Self.text), "input": {"kind": "tokens", "size": 10}}"#)
        guard case .tokens(let description) = tokens.input else {
            Issue.record("expected tokens, found \(tokens.input)")
            return
        }
        #expect(description.size == 10)
        let features = try parse(#"{\#(Self.text), "input": {"kind": "features", "size": 2, "std": [1, 2]}}"#)
        guard case .features(let vectors) = features.input else {
            Issue.record("expected features, found \(features.input)")
            return
        }
        #expect(vectors.mean == [0, 0] && vectors.std == [1, 2])
    }

    @Test func `reads frames with the preprocessing of images`() throws {
        let clip = #"\#(Self.tags), "preprocessing": {"crop": 224}"#
        let short = try parse(#"{\#(clip), "input": {"kind": "frames", "max_length": 16}}"#)
        let crop = Preprocessing(crop: ImageSize(height: 224, width: 224))
        #expect(short.input == .frames(.init(preprocessing: crop, maxLength: 16)))
        #expect(short.pooling == nil && short.input.kind == "frames")
        let plain = try parse(#"{\#(clip), "input": {"kind": "frames"}}"#)
        #expect(plain.input == .frames(.init(preprocessing: crop, maxLength: 256)))
    }

    @Test func `reads features of words and the scaling of a regression`() throws {
        let words = #""kind": "text", "tokenizer": "words", "vocabulary": "v.txt""#
        let suffix = #"{"kind": "suffix", "length": 3, "vocabulary": "s.txt", "unknown": "?"}"#
        let shape = #"{"kind": "shape", "vocabulary": "h.txt", "unknown": "?"}"#
        let tagger = try parse(
            #"{"architecture": "gru", "task": "token-classification", "input": {\#(words), "features": [\#(suffix), \#(shape)]}}"#
        )
        guard case .text(let text) = tagger.input else {
            Issue.record("expected text, found \(tagger.input)")
            return
        }
        #expect(text.features.map(\.kind) == [.suffix(length: 3), .shape])
        #expect(text.vocabularies == ["v.txt", "s.txt", "h.txt"])
        #expect(tagger.pooling == nil && tagger.task.hasClasses)
        let regression = try parse(
            #"{\#(Self.regression), "input": {"kind": "features", "size": 1}, "output": {"mean": [2], "std": [3]}}"#
        )
        #expect(regression.output?.mean == [2] && regression.output?.std == [3])
    }

    @Test func `reads what a model of sequences to sequences takes and writes`() throws {
        let input = #""kind": "text", "tokenizer": "words", "vocabulary": "s", "start": "<s>", "end": "</s>""#
        let output =
            #""kind": "text", "tokenizer": "characters", "vocabulary": "t", "start": "<", "end": ">""#
        let text = try parse("{\(Self.pairs), \"input\": {\(input)}, \"output\": {\(output)}}")
        #expect(text.target?.kind == .text(.characters, vocabulary: "t", start: "<", end: ">"))
        #expect(text.target?.maxLength == 256 && text.pooling == nil && text.output == nil)
        guard case .text(let source) = text.input else {
            Issue.record("expected text, found \(text.input)")
            return
        }
        #expect(source.start == "<s>" && source.end == "</s>")
        let numbers = #""kind": "tokens", "size": 9, "start": 0, "end": 8, "max_length": 7"#
        let tokens = try parse("{\(Self.pairs), \(Self.numbers), \"output\": {\(numbers)}}")
        #expect(tokens.target?.kind == .tokens(size: 9, start: 0, end: 8))
        #expect(tokens.target?.maxLength == 7)
    }

    private static let pairs = #""architecture": "encoder_decoder", "task": "sequence-to-sequence""#
    private static let numbers = #""input": {"kind": "tokens", "size": 5}"#
    private static let regression = #""architecture": "rnn", "task": "sequence-regression""#
    private static let tags = #""architecture": "rnn", "task": "token-classification""#
    private static let words = #""kind": "text", "tokenizer": "words", "vocabulary": "v""#

    // swift-format-ignore
    static let faults: [(String, String)] = [
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5}, \"version_labels\": [\"latest\"]}", "version_labels[0]: expected 1 to 64 letters, digits, '.', '_' and '-', other than 'latest', found 'latest'"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5}, \"version_labels\": [\"a/b\"]}", "version_labels[0]: expected 1 to 64 letters"),
        ("{\(tags), \"input\": {\"kind\": \"tokens\", \"size\": 5}, \"pooling\": \"max\"}", "pooling: nothing is pooled where each step has an answer"),
        ("{\(tags), \"input\": {\(words), \"features\": []}}", "input.features: expected 1 to 16 features, found 0"),
        ("{\(tags), \"input\": {\(words), \"features\": [{\"kind\": \"infix\"}]}}", "input.features[0].kind: expected suffix, prefix, shape; found 'infix'"),
        ("{\(tags), \"input\": {\(words), \"features\": [{\"kind\": \"suffix\"}]}}", "input.features[0]: 'length' is missing"),
        ("{\(tags), \"input\": {\(words), \"features\": [{\"kind\": \"suffix\", \"length\": 0}]}}", "input.features[0].length: expected an integer from 1 to 16, found 0"),
        ("{\(tags), \"input\": {\(words), \"features\": [{\"kind\": \"shape\", \"length\": 2}]}}", "input.features[0].length: a shape has no length"),
        ("{\(tags), \"input\": {\(words), \"features\": [{\"kind\": \"shape\", \"vocabulary\": \"v\"}]}}", "input.features[0]: 'unknown' is missing"),
        ("{\(tags), \"input\": {\"kind\": \"text\", \"tokenizer\": \"bytes\", \"features\": []}}", "input.features: only words have features, but 'tokenizer' is 'bytes'"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5}, \"output\": {}}", "output: only a 'sequence-regression' has values to scale"),
        ("{\(regression), \"input\": {\"kind\": \"features\", \"size\": 1}, \"output\": {}}", "output: 'mean' is missing"),
        ("{\(regression), \"input\": {\"kind\": \"features\", \"size\": 1}, \"output\": {\"mean\": [1], \"std\": [0]}}", "output.std[0]: expected a number greater than 0, found 0"),
        ("{\(regression), \"input\": {\"kind\": \"features\", \"size\": 1}, \"output\": {\"mean\": [1], \"std\": [1, 2]}}", "output.std: expected 1 numbers, as 'mean' has, found 2"),
        ("{\(pairs), \(numbers)}", "'output' is missing; a model for 'sequence-to-sequence' needs it"),
        ("{\(pairs), \(numbers), \"output\": {\"mean\": [1]}}", "output: unknown key 'mean'; known keys are end, kind, max_length"),
        ("{\(pairs), \(numbers), \"output\": {\"kind\": \"features\"}}", "output.kind: expected text, tokens; found 'features'"),
        ("{\(pairs), \(numbers), \"output\": {\"kind\": \"tokens\", \"size\": 5, \"start\": 5, \"end\": 0}}", "output.start: expected an integer from 0 to 4, found 5"),
        ("{\(pairs), \(numbers), \"output\": {\"kind\": \"tokens\", \"size\": 5, \"start\": 0}}", "output: 'end' is missing"),
        ("{\(pairs), \(numbers), \"output\": {\"kind\": \"text\", \"tokenizer\": \"bytes\"}}", "output.tokenizer: expected words or characters"),
        ("{\(pairs), \(numbers), \"pooling\": \"max\", \"output\": {}}", "pooling: nothing is pooled where each step has an answer"),
        ("[]", "expected an object, found an array of 0"),
        ("{", "not JSON"),
        ("{}", "'architecture' is missing"),
        (#"{"architecture": 3}"#, "architecture: expected a string, found 3"),
        (#"{"architecture": "x", "task": "image-clasification"}"#, "task: expected image-classification, sequence-classification, token-classification, sequence-regression, text-generation, sequence-to-sequence, object-detection, semantic-segmentation, image-captioning, embedding, tensors; found 'image-clasification'; did you mean 'image-classification'?"),
        ("{\(image)}", "'preprocessing' is missing; a model for 'image-classification' needs it"),
        ("{\(image), \"label\": \"x\"}", "unknown key 'label'; did you mean 'labels'?"),
        ("{\(image), \"zzzzzzzzz\": 1}", "unknown key 'zzzzzzzzz'; known keys are architecture, task, "),
        ("{\(image), \"preprocessing\": {\"colour\": \"rgb\"}}", "preprocessing: unknown key 'colour'; did you mean 'color'?"),
        ("{\(image), \"preprocessing\": {\"mean\": [1, 2]}}", "preprocessing.mean: expected 3 numbers for rgb, found 2"),
        ("{\(image), \"preprocessing\": {\"color\": \"gray\", \"std\": [1, 2, 3]}}", "preprocessing.std: expected 1 number for gray, found 3"),
        ("{\(image), \"preprocessing\": {\"std\": [1, 0, 1]}}", "preprocessing.std[1]: expected a number greater than 0, found 0"),
        ("{\(image), \"preprocessing\": {\"mean\": [1, \"2\", 3]}}", "preprocessing.mean[1]: expected a number, found '2'"),
        ("{\(image), \"preprocessing\": {\"color\": \"rbg\"}}", "preprocessing.color: expected rgb, bgr, gray; found 'rbg'"),
        ("{\(image), \"preprocessing\": {\"interpolation\": \"cubic\"}}", "preprocessing.interpolation: expected "),
        ("{\(image), \"preprocessing\": {\"resize\": 0}}", "preprocessing.resize: expected an integer from 1 to 16384, found 0"),
        ("{\(image), \"preprocessing\": {\"resize\": [1]}}", "preprocessing.resize: expected [height, width], found an array of 1"),
        ("{\(image), \"preprocessing\": {\"resize\": \"256\"}}", "preprocessing.resize: expected an integer, [height, width], {\"letterbox\": [height, width]} or null, found a string"),
        ("{\(image), \"preprocessing\": {\"crop\": [10, 2.5]}}", "preprocessing.crop[1]: expected an integer from 1 to 16384, found 2.5"),
        ("{\(image), \"preprocessing\": {\"pad\": -1}}", "preprocessing.pad: expected an integer from 0 to 4096, found -1"),
        ("{\(image), \"preprocessing\": {\"scale\": 0}}", "preprocessing.scale: expected a number other than 0"),
        ("{\(image), \"preprocessing\": {\"mirror\": 1}}", "preprocessing.mirror: expected true or false, found 1"),
        ("{\(image), \"preprocessing\": {}, \"weights\": \"../x\"}", "weights: expected the plain name of a file in the model's folder, found '../x'"),
        ("{\(image), \"preprocessing\": {}, \"weights\": \"..\"}", "weights: expected the plain name"),
        ("{\(image), \"preprocessing\": {}, \"labels\": \"/etc/passwd\"}", "labels: expected the plain name"),
        ("{\(image), \"preprocessing\": {}, \"labels\": \"\"}", "labels: expected the plain name"),
        ("{\(image), \"preprocessing\": {}, \"labels\": []}", "labels: expected at least one label, found none"),
        ("{\(image), \"preprocessing\": {}, \"labels\": [1]}", "labels[0]: expected a string, found 1"),
        ("{\(image), \"preprocessing\": {}, \"labels\": 7}", "labels: expected a file name or an array of strings, found a number"),
        ("{\(image), \"preprocessing\": {}, \"classes\": 3, \"labels\": [\"a\"]}", "labels: expected 3 labels for 3 classes, found 1"),
        ("{\(image), \"preprocessing\": {}, \"classes\": 0}", "classes: expected an integer from 1 to 10000000, found 0"),
        ("{\(image), \"preprocessing\": {}, \"classes\": 1.5}", "classes: expected an integer from 1 to 10000000, found 1.5"),
        ("{\(image), \"preprocessing\": {}, \"classes\": 1e300}", "classes: expected an integer"),
        ("{\(image), \"preprocessing\": {}, \"options\": []}", "options: expected an object, found an array"),
        ("{\(image), \"preprocessing\": {}, \"options\": {\"a\": {\"b\": null}}}", "options.a.b: expected a value, found null"),
        ("{\(image), \"preprocessing\": {}, \"memory\": \"compat\"}", "memory: expected fast, compact; found 'compat'; did you mean 'compact'?"),
        ("{\(image), \"preprocessing\": {}, \"pooling\": \"max\"}", "pooling: only models of sequences pool over steps"),
        ("{\(image), \"preprocessing\": {}, \"input\": {}}", "input: a model for 'image-classification' has 'preprocessing' instead"),
        ("{\(text)}", "'input' is missing; a model for 'sequence-classification' needs it"),
        ("{\(text), \"preprocessing\": {}}", "preprocessing: a model for 'sequence-classification' has 'input' instead"),
        ("{\(text), \"input\": {}}", "input: 'kind' is missing"),
        ("{\(text), \"input\": {\"kind\": \"texts\"}}", "input.kind: expected text, tokens, features, frames; found 'texts'; did you mean 'text'?"),
        ("{\(text), \"input\": {\"kind\": \"frames\"}}", "'preprocessing' is missing; a model that takes frames needs it"),
        ("{\(text), \"input\": {\"kind\": \"frames\", \"size\": 3}, \"preprocessing\": {}}", "input: unknown key 'size'"),
        ("{\(text), \"input\": {\"kind\": \"frames\", \"max_length\": 0}, \"preprocessing\": {}}", "input.max_length: expected an integer from 1 to 1000000, found 0"),
        ("{\(text), \"input\": {\"kind\": \"frames\"}, \"preprocessing\": {\"colour\": \"rgb\"}}", "preprocessing: unknown key 'colour'; did you mean 'color'?"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5}, \"preprocessing\": {}}", "preprocessing: only frames are prepared as images, but 'input.kind' is 'tokens'"),
        ("{\(text), \"input\": {\"kind\": \"text\"}}", "input: 'tokenizer' is missing"),
        ("{\(text), \"input\": {\"kind\": \"text\", \"tokenizer\": \"words\"}}", "input: 'vocabulary' is missing"),
        ("{\(text), \"input\": {\"kind\": \"text\", \"tokenizer\": \"bytes\", \"vocabulary\": \"v\"}}", "input.vocabulary: the tokenizer 'bytes' has no vocabulary"),
        ("{\(text), \"input\": {\"kind\": \"tokens\"}}", "input: 'size' is missing"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5, \"mean\": [1]}}", "input: unknown key 'mean'"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 99999999}}", "input.size: expected an integer from 1 to 16777216, found 99999999"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5, \"max_length\": 0}}", "input.max_length: expected an integer from 1 to 1000000, found 0"),
        ("{\(text), \"input\": {\"kind\": \"features\", \"size\": 3, \"mean\": [1]}}", "input.mean: expected 3 numbers for size 3, found 1"),
        ("{\(text), \"input\": {\"kind\": \"tokens\", \"size\": 5}, \"pooling\": \"min\"}", "pooling: expected last, last_output, mean, max; found 'min'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong and where`(text: String, message: String) {
        let error = #expect(throws: FormatError.self) { try parse(text) }
        #expect(error?.description.hasPrefix(message) == true, "found: \(error?.description ?? "")")
    }
}
