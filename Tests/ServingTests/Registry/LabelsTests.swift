import Logging
import Models
import Support
import Testing

/// Where the names of classes come from.
struct LabelsTests {
    private func labels(_ text: String, _ file: String = "l.json", classes: Int? = nil) throws -> [String] {
        try LabelFile.labels(parsing: Array(text.utf8), file: file, classes: classes)
    }

    // swift-format-ignore
    static let files: [(text: String, file: String, classes: Int?)] = [
        ("a\nb\nc\n",                                                   "labels.txt", nil),
        (#"["a", "b", "c"]"#,                                           "labels.json", 3),
        (#"{"id2label": {"0": "a", "2": "c", "1": "b"}, "x": 1}"#,      "config.json", nil),
        (#"{"architectures": ["V"], "id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"a": 0}}"#, "config.json", 3),
        (#"{"label_names": ["a", "b", "c"], "num_classes": 3}"#,        "config.json", 3),
        (#"{"labels": ["a", "b", "c"]}"#,                               "config.json", nil),
        (#"{"0": ["n01", "a"], "1": ["n02", "b"], "2": ["n03", "c"]}"#, "imagenet_class_index.json", 3),
        (#"{"2": "c", "1": "b", "0": "a"}"#,                            "id2label.json", nil),
    ]

    @Test(arguments: files)
    func `reads the files of others`(text: String, file: String, classes: Int?) throws {
        #expect(try labels(text, file, classes: classes) == ["a", "b", "c"])
    }

    // swift-format-ignore
    static let faults: [(text: String, classes: Int?, message: String)] = [
        ("{",                            nil, "l.json: not JSON"),
        ("3",                            nil, "l.json: expected an array or an object, found a number"),
        (#"["a"]"#,                      2,   "l.json: expected 2 labels for 2 classes, found 1"),
        (#"{"id2label": {"7": "a"}}"#,   nil, "l.json: id2label.7: expected the number of a class, 0 to 0"),
        (#"{"id2label": {"0": 3}}"#,     nil, "l.json: id2label.0: expected a string, found 3"),
        (#"{"00": "a", "0": "b"}"#,      2,   "l.json: 0: class 0 has two names"),
    ]

    @Test(arguments: faults)
    func `says what is wrong where`(text: String, classes: Int?, message: String) {
        let error = #expect(throws: FormatError.self) { try labels(text, classes: classes) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test func `a class without a name is called by its number`() throws {
        #expect(try labels(#"{"id2label": {"1": "b"}}"#, classes: 3) == ["0", "b", "2"])
    }

    @Test func `has the names of ImageNet's classes`() throws {
        let names = ImageNet1k.names
        #expect(names.count == 1000)
        #expect(
            [0, 134, 281, 517, 638, 999].map { names[$0] } == [
                "tench", "crane", "tabby", "crane", "maillot", "toilet tissue",
            ]
        )
        #expect(names.allSatisfy { !$0.isEmpty && $0.first != " " && $0.last != " " })
        #expect(Set(names).count == 998)
    }

    @Test func `a manifest asks for ImageNet's names, and a timm model has them where it names none`() throws
    {
        let text =
            #"{"architecture": "resnet18", "task": "image-classification", "labels": "imagenet1k", "preprocessing": {}}"#
        #expect(try Manifest(parsing: Array(text.utf8)).labels == .imageNet1k)
        // swift-format-ignore
        let rows: [(String, Bool)] = [
            (#"{"architecture": "resnet18", "num_classes": 1000, "pretrained_cfg": {"tag": "a1_in1k"}}"#, true),
            (#"{"architecture": "resnet18", "num_classes": 1000, "pretrained_cfg": {"tag": "fb_swsl_ig1b_ft_in1k"}}"#, true),
            (#"{"architecture": "resnet18", "num_classes": 1000, "pretrained_cfg": {}}"#, true),
            (#"{"architecture": "resnet18", "num_classes": 1000, "pretrained_cfg": {"tag": "mine"}}"#, false),
            (#"{"architecture": "resnet18", "num_classes": 365, "pretrained_cfg": {"tag": "a1_in1k"}}"#, false),
        ]
        for (text, isImageNet) in rows {
            let manifest = try TimmConfiguration.manifest(parsing: Array(text.utf8))
            #expect(
                manifest.labels == nil && TimmConfiguration.isImageNet1k(manifest) == isImageNet,
                "\(text)"
            )
        }
        let named =
            #"{"architecture": "resnet18", "num_classes": 2, "id2label": {"0": "a", "1": "b"}, "pretrained_cfg": {}}"#
        #expect(try TimmConfiguration.manifest(parsing: Array(named.utf8)).labels == .inline(["a", "b"]))
    }

    @Test func `a folder gets them where they fit`() throws {
        let folder = try TemporaryFolder()
        let manifest = { (labels: String) in
            #"{"architecture": "gru", "task": "sequence-classification", "labels": "\#(labels)", "input": {"kind": "features", "size": 3}}"#
        }
        try folder.write(manifest("config.json"), to: "transformers/model.json")
        try folder.write(
            #"{"id2label": {"0": "a", "1": "b", "2": "c", "3": "d", "4": "e"}}"#,
            to: "transformers/config.json"
        )
        try folder.write(manifest("imagenet1k"), to: "imagenet/model.json")
        for name in ["transformers", "imagenet"] {
            try TestModels.writeWeights(to: "\(folder.path)/\(name)/model.safetensors")
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: folder.path, logger: logger)
        try registry.load()
        #expect(try registry.model(named: "transformers").labels == ["a", "b", "c", "d", "e"])
        let reason = try registry.entry(named: "imagenet").current.reason
        #expect(reason == "labels: expected 5 labels for 5 classes, found 1000")
    }
}

/// What a manifest may say but hardly means.
struct ManifestWarningsTests {
    private static let statistics = #""mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]"#

    private func warnings(_ architecture: String, _ preprocessing: String, _ rest: String = "") throws
        -> [String]
    {
        let task = #""architecture": "\#(architecture)", "task": "image-classification""#
        return try Manifest(parsing: Array("{\(task), \"preprocessing\": {\(preprocessing)}\(rest)}".utf8))
            .warnings
    }

    // swift-format-ignore
    static let manifests: [(String, String, String, Int)] = [
        ("googlenet",    statistics, "", 1),
        ("inception_v3", statistics, "", 1),
        ("inception_v3", #""scale": 1, "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]"#, "", 1),
        ("inception_v3", #""color": "bgr", "mean": [0.406, 0.456, 0.485], "std": [0.225, 0.224, 0.229]"#, "", 1),
        ("googlenet",    statistics, #", "options": {"transform_input": true}"#, 0),
        ("googlenet",    statistics, #", "options": {"transform_input": false}"#, 0),
        ("googlenet",    #""mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]"#, "", 0),
        ("googlenet_2014", statistics, "", 0),
        ("resnet50",     statistics, "", 0),
        ("inception_v4", statistics, "", 0),
    ]

    @Test(arguments: manifests)
    func `warns of ImageNet's statistics where torchvision turns them into others`(
        architecture: String,
        preprocessing: String,
        rest: String,
        count: Int
    ) throws {
        let warnings = try warnings(architecture, preprocessing, rest)
        #expect(warnings.count == count)
        #expect(warnings.allSatisfy { $0.contains("transform_input") && $0.contains("'\(architecture)'") })
    }

    @Test func `warns of an extractor too, by its own options`() throws {
        let clip = { (options: String) in
            """
            {"architecture": "cnn_rnn", "task": "token-classification", "input": {"kind": "frames"},
             "preprocessing": {"crop": 224, \(Self.statistics)}, "options": {"extractor": "googlenet"\(options)}}
            """
        }
        let plain = try Manifest(parsing: Array(clip("").utf8)).warnings
        #expect(plain.count == 1 && plain[0].contains("options.extractor_options"))
        let said = clip(#", "extractor_options": {"transform_input": true}"#)
        #expect(try Manifest(parsing: Array(said.utf8)).warnings.isEmpty)
    }
}
