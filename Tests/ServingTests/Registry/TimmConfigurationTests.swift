import Imaging
import Models
import Support
import Testing

struct TimmConfigurationTests {
    /// A `config.json` as timm writes it, and what it means.
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let architecture: String
        let classes: Int
        let labels: [String]?
        let preprocessing: Preprocessing
        let provenance: String

        var testDescription: String { architecture }
    }

    private static func parse(_ text: String) throws -> Manifest {
        try TimmConfiguration.manifest(parsing: Array(text.utf8))
    }

    private static func preprocessing(_ text: String) throws -> Preprocessing? {
        guard case .image(let preprocessing) = try parse(text).input else { return nil }
        return preprocessing
    }

    private static func square(
        _ resize: Int,
        _ crop: Int,
        _ interpolation: Interpolation = .bicubic,
        mean: [Double] = [0.485, 0.456, 0.406],
        std: [Double] = [0.229, 0.224, 0.225]
    ) -> Preprocessing {
        Preprocessing(
            resize: .shorterSide(resize),
            crop: ImageSize(height: crop, width: crop),
            interpolation: interpolation,
            mean: mean,
            std: std
        )
    }

    @Test(arguments: rows)
    func `reads what timm writes`(row: Row) throws {
        let manifest = try Self.parse(row.text)
        #expect(manifest.architecture == row.architecture)
        #expect(manifest.task == .imageClassification)
        #expect(manifest.classes == row.classes)
        #expect(manifest.labels == row.labels.map(Manifest.Labels.inline))
        #expect(manifest.weights == nil)
        #expect(manifest.options.isEmpty)
        #expect(manifest.input == .image(row.preprocessing))
        #expect(manifest.provenance?.text == row.provenance)
    }

    // swift-format-ignore
    static let rows = [
        Row(
            text: resNet18,
            architecture: "resnet18", classes: 3, labels: ["cat", "dog", "owl"],
            preprocessing: square(235, 224),
            provenance: #"{"source":"config.json","tag":"a1_in1k","license":"apache-2.0","origin_url":"https://example.org/timm","paper_ids":"arXiv:2110.00476"}"#
        ),
        Row(
            text: #"{"architecture": "vgg16", "num_classes": 1000, "num_features": 512, "global_pool": "avg", "model_args": {"num_classes": 1000, "in_chans": 3, "global_pool": "avg"}, "pretrained_cfg": {"tag": "tv_in1k", "custom_load": false, "input_size": [3, 224, 224], "fixed_input_size": false, "interpolation": "bilinear", "crop_pct": 0.875, "crop_mode": "center", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "num_classes": 1000, "pool_size": [7, 7], "first_conv": "features.0", "classifier": "head.fc", "license": "bsd-3-clause"}}"#,
            architecture: "vgg16", classes: 1000, labels: nil,
            preprocessing: square(256, 224, .bilinear),
            provenance: #"{"source":"config.json","tag":"tv_in1k","license":"bsd-3-clause"}"#
        ),
        Row(
            text: #"{"architecture": "inception_v3", "num_classes": 7, "num_features": 2048, "global_pool": "avg", "model_args": {"num_classes": 7, "in_chans": 3, "global_pool": "avg"}, "pretrained_cfg": {"tag": "tv_in1k", "custom_load": false, "input_size": [3, 299, 299], "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "num_classes": 7, "pool_size": [8, 8], "first_conv": "Conv2d_1a_3x3.conv", "classifier": "fc", "license": "apache-2.0"}}"#,
            architecture: "inception_v3", classes: 7, labels: nil,
            preprocessing: square(341, 299, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]),
            provenance: #"{"source":"config.json","tag":"tv_in1k","license":"apache-2.0"}"#
        ),
        Row(
            text: #"{"architecture": "densenet121", "num_classes": 1000, "num_features": 1024, "global_pool": "avg", "model_args": {"in_chans": 3, "num_classes": 1000, "global_pool": "avg"}, "pretrained_cfg": {"tag": "ra_in1k", "custom_load": false, "input_size": [3, 224, 224], "test_input_size": [3, 288, 288], "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.875, "test_crop_pct": 0.95, "crop_mode": "center", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "num_classes": 1000, "pool_size": [7, 7], "first_conv": "features.conv0", "classifier": "classifier", "license": "apache-2.0"}}"#,
            architecture: "densenet121", classes: 1000, labels: nil,
            preprocessing: square(256, 224),
            provenance: #"{"source":"config.json","tag":"ra_in1k","license":"apache-2.0"}"#
        ),
        Row(
            text: #"{"architecture": "mobilenetv1_100", "num_classes": 7, "num_features": 1024, "global_pool": "avg", "model_args": {"num_classes": 7, "in_chans": 3, "global_pool": "avg"}, "pretrained_cfg": {"tag": "ra4_e3600_r224_in1k", "custom_load": false, "input_size": [3, 224, 224], "test_input_size": [3, 256, 256], "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.875, "test_crop_pct": 0.95, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "num_classes": 7, "pool_size": [7, 7], "first_conv": "conv_stem", "classifier": "classifier", "license": "apache-2.0"}}"#,
            architecture: "mobilenet_v1", classes: 7, labels: nil,
            preprocessing: square(256, 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]),
            provenance: #"{"source":"config.json","tag":"ra4_e3600_r224_in1k","license":"apache-2.0"}"#
        ),
        // Before `pretrained_cfg`, everything stood in one object, and labels were `labels`.
        Row(
            text: #"{"architecture": "tv_resnet50", "num_classes": 2, "labels": ["a", "b"], "num_features": 2048, "input_size": [3, 224, 224], "crop_pct": 0.9, "interpolation": "bilinear", "pool_size": null}"#,
            architecture: "resnet50", classes: 2, labels: ["a", "b"],
            preprocessing: square(248, 224, .bilinear),
            provenance: #"{"source":"config.json"}"#
        ),
    ]

    // swift-format-ignore
    static let resNet18 = #"{"architecture": "resnet18", "num_classes": 3, "num_features": 512, "global_pool": "avg", "label_names": ["cat", "dog", "owl"], "label_descriptions": {"cat": "a cat", "dog": "a dog", "owl": "an owl"}, "model_args": {"num_classes": 3, "in_chans": 3, "global_pool": "avg"}, "pretrained_cfg": {"tag": "a1_in1k", "custom_load": false, "input_size": [3, 224, 224], "test_input_size": [3, 288, 288], "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.95, "test_crop_pct": 1.0, "crop_mode": "center", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "num_classes": 3, "pool_size": [7, 7], "first_conv": "conv1", "classifier": "fc", "license": "apache-2.0", "origin_url": "https://example.org/timm", "paper_ids": "arXiv:2110.00476"}}"#

    // swift-format-ignore
    @Test(arguments: [
        ("resnet50.a1_in1k", "resnet50"), ("mobilenetv1_100", "mobilenet_v1"),
        ("mobilenetv2_100.ra_in1k", "mobilenet_v2"),
        ("mobilenetv3_large_100.ra_in1k", "mobilenet_v3_large"), ("efficientnet_b0.ra_in1k", "efficientnet_b0"),
        ("tf_efficientnet_b0.ns_jft_in1k", "tf_efficientnet_b0"), // another network: it pads as TensorFlow does
        ("legacy_xception.tf_in1k", "xception"),
        ("regnety_032.ra_in1k", "regnet_y_3_2gf"), ("efficientnetv2_s.untrained", "efficientnet_v2_s"),
        ("xception", "xception"), ("gluon_resnet18_v1b", "resnet18"), ("swsl_resnext50_32x4d", "resnext50_32x4d"),
        ("ens_adv_inception_resnet_v2", "inception_resnet_v2"), ("tf_inception_v3", "inception_v3"),
        ("vgg11_bn", "vgg11_bn"), ("resnet50d.ra2_in1k", "resnet50d"),
    ])
    func `finds our name of a network`(name: String, ours: String) throws {
        #expect(try Self.parse(#"{"architecture": "\#(name)", "pretrained_cfg": {}}"#).architecture == ours)
    }

    @Test func `fills in timm's defaults, also for null`() throws {
        let nothing = try Self.preprocessing(#"{"architecture": "resnet18", "pretrained_cfg": {}}"#)
        #expect(nothing == Self.square(256, 224))
        let nulls = ["input_size", "crop_pct", "crop_mode", "interpolation", "mean", "std"]
        let members = nulls.map { "\"\($0)\": null" }.joined(separator: ", ")
        let null = try Self.preprocessing(#"{"architecture": "resnet18", "pretrained_cfg": {\#(members)}}"#)
        #expect(null == nothing)
    }

    // swift-format-ignore
    @Test(arguments: [
        (#""crop_pct": 1.0"#, square(224, 224)),
        (#""crop_pct": 1"#, square(224, 224)),
        (#""crop_pct": 0.9, "input_size": [3, 9, 9]"#, square(10, 9)),
        (#""crop_pct": 1.25"#, square(179, 224)),
        (#""crop_pct": 0.8975, "input_size": [3, 299, 299]"#, square(333, 299)),
        (#""interpolation": "random""#, square(256, 224, .bilinear)),
        (#""interpolation": "lanczos""#, square(256, 224, .lanczos)),
        (#""interpolation": "nearest""#, square(256, 224, .nearest)),
        (#""crop_mode": "squash", "crop_pct": 0.9, "input_size": [3, 200, 256]"#, Preprocessing(resize: .exact(height: 222, width: 284), crop: ImageSize(height: 200, width: 256), interpolation: .bicubic, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])),
        // Both sides become 2, so timm resizes the shorter side although the crop is no square.
        (#""crop_pct": 2, "input_size": [3, 4, 5]"#, Preprocessing(resize: .shorterSide(2), crop: ImageSize(height: 4, width: 5), interpolation: .bicubic, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])),
    ])
    func `resizes and crops as timm evaluates`(settings: String, expected: Preprocessing) throws {
        let text = #"{"architecture": "resnet18", "pretrained_cfg": {\#(settings)}}"#
        #expect(try Self.preprocessing(text) == expected)
    }

    // swift-format-ignore
    @Test(arguments: [
        (#""num_classes": 2, "label_names": ["a", "b"]"#, ["a", "b"]),
        (#""num_classes": 4, "label_names": {"0": "a", "2": "c"}"#, ["a", "1", "c", "3"]),
        (#""label_names": {"1": "b", "0": "a"}"#, ["a", "b"]),
        (#""num_classes": 2, "label_names": [], "label_descriptions": {}"#, nil),
        (#""num_classes": 2, "label_names": {}"#, nil),
        (#""num_classes": 1, "pretrained_cfg": {"num_classes": 9, "label_names": ["only"]}"#, ["only"]),
        (#""num_classes": 1, "label_names": ["first"], "pretrained_cfg": {"label_names": ["x", "y"]}"#, ["first"]),
    ])
    func `takes the names of the classes`(members: String, expected: [String]?) throws {
        let manifest = try Self.parse(#"{"architecture": "resnet18", \#(members)}"#)
        #expect(manifest.labels == expected.map(Manifest.Labels.inline))
    }

    // swift-format-ignore
    static let faults: [(old: String, new: String, message: String)] = [
        (resNet18, "[]", "expected an object, found an array of 0"),
        (resNet18, "{", "not JSON"),
        (resNet18, "{}", "'architecture' is missing; expected a timm configuration, with 'architecture' and 'pretrained_cfg'"),
        (resNet18, #"{"architectures": ["ResNetForImageClassification"], "model_type": "resnet"}"#, "expected a timm configuration, with 'architecture' and 'pretrained_cfg', found one of transformers; describe the model in a model.json instead"),
        (#""architecture": "resnet18""#, #""architecture": ["resnet18"]"#, "architecture: expected a string, found an array of 1"),
        (#""num_classes": 3, "num_f"#, #""num_classes": "3", "num_f"#, "num_classes: expected an integer from 1 to 10000000, found '3'"),
        (#""num_classes": 3, "num_f"#, #""num_classes": 0, "num_f"#, "num_classes: expected an integer from 1 to 10000000, found 0"),
        (#""num_classes": 3, "num_f"#, #""num_classes": 4, "num_f"#, "label_names: expected 4 labels for 4 classes, found 3"),
        (#"["cat", "dog", "owl"]"#, #"["cat", 2, "owl"]"#, "label_names[1]: expected a string, found 2"),
        (#"["cat", "dog", "owl"]"#, #""cat""#, "label_names: expected an array or an object, found a string"),
        (#"["cat", "dog", "owl"]"#, #"{"0": "cat", "3": "dog"}"#, "label_names.3: expected the number of a class, 0 to 2"),
        (#"["cat", "dog", "owl"]"#, #"{"0": "cat", "-1": "dog"}"#, "label_names.-1: expected the number of a class, 0 to 2"),
        (#"["cat", "dog", "owl"]"#, #"{"0": "cat", "00": "dog"}"#, "label_names.00: class 0 has two names"),
        (#"["cat", "dog", "owl"]"#, #"{"0": null}"#, "label_names.0: expected a string, found null"),
        (#""global_pool": "avg", "label"#, #""global_pool": "max", "label"#, "global_pool: expected 'avg', which all networks here have, found 'max'"),
        (#""global_pool": "avg", "label"#, #""global_pool": 1, "label"#, "global_pool: expected a string, found 1"),
        (#""in_chans": 3, "global_pool": "avg""#, #""global_pool": "catavgmax""#, "model_args.global_pool: expected 'avg'"),
        (#""in_chans": 3"#, #""in_chans": 1"#, "model_args.in_chans: expected 3 channels, found 1"),
        (#""in_chans": 3"#, #""output_stride": 8"#, "model_args.output_stride: expected only arguments that leave the network as it is: num_classes, drop_rate"),
        (#""pretrained_cfg": {"#, #""pretrained_cfg": 1, "x": {"#, "pretrained_cfg: expected an object, found 1"),
        (#""custom_load": false"#, #""label_offset": 1"#, "pretrained_cfg.label_offset: expected 0, found 1: save the model again with a newer timm"),
        (#""input_size": [3, 224, 224], "test"#, #""input_size": [1, 224, 224], "test"#, "pretrained_cfg.input_size[0]: expected 3 channels, found 1"),
        (#""input_size": [3, 224, 224], "test"#, #""input_size": [224, 224], "test"#, "pretrained_cfg.input_size: expected [channels, height, width], found an array of 2"),
        (#""input_size": [3, 224, 224], "test"#, #""input_size": 224, "test"#, "pretrained_cfg.input_size: expected an array, found 224"),
        (#""input_size": [3, 224, 224], "test"#, #""input_size": [3, 224, 0], "test"#, "pretrained_cfg.input_size[2]: expected an integer from 1 to 16384, found 0"),
        (#""input_size": [3, 224, 224], "test"#, #""input_size": [3, 224, 256], "test"#, "pretrained_cfg.input_size: expected a square for crop_mode 'center', found 224×256"),
        (#""crop_pct": 0.95"#, #""crop_pct": "0.95""#, "pretrained_cfg.crop_pct: expected a number, found '0.95'"),
        (#""crop_pct": 0.95"#, #""crop_pct": -1"#, "pretrained_cfg.crop_pct: expected a number greater than 0, found -1"),
        (#""crop_pct": 0.95"#, #""crop_pct": 1e-300"#, "pretrained_cfg.crop_pct: 224 / 1e-300 is the size to resize to, expected 1 to 16384"),
        (#""crop_pct": 0.95"#, #""crop_pct": 225"#, "pretrained_cfg.crop_pct: 224 / 225 is the size to resize to, expected 1 to 16384"),
        (#""crop_mode": "center""#, #""crop_mode": "border""#, "pretrained_cfg.crop_mode: expected center or squash; 'border' fills up with the mean colour, which is not supported"),
        (#""crop_mode": "center""#, #""crop_mode": "centre""#, "pretrained_cfg.crop_mode: expected center, squash, border; found 'centre'; did you mean 'center'?"),
        (#""interpolation": "bicubic""#, #""interpolation": "hamming""#, "pretrained_cfg.interpolation: expected nearest, bilinear, bicubic, lanczos; found 'hamming'"),
        (#""interpolation": "bicubic""#, #""interpolation": 3"#, "pretrained_cfg.interpolation: expected a string, found 3"),
        (#""mean": [0.485, 0.456, 0.406]"#, #""mean": [0.5]"#, "pretrained_cfg.mean: expected 3 numbers for rgb, found 1"),
        (#""mean": [0.485, 0.456, 0.406]"#, #""mean": 0.5"#, "pretrained_cfg.mean: expected an array, found 0.5"),
        (#""std": [0.229, 0.224, 0.225]"#, #""std": [0.229, 0, 0.225]"#, "pretrained_cfg.std[1]: expected a number greater than 0, found 0"),
        (#""std": [0.229, 0.224, 0.225]"#, #""std": [0.229, "x", 0.225]"#, "pretrained_cfg.std[1]: expected a number, found 'x'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong and where`(old: String, new: String, message: String) throws {
        let text = Self.resNet18.replacing(old, with: new)
        #expect(text != Self.resNet18, "nothing replaced: \(old)")
        let error = #expect(throws: FormatError.self) { try Self.parse(text) }
        #expect(error?.description.hasPrefix(message) == true, "found: \(error?.description ?? "")")
    }
}
