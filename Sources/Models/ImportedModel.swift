internal import Engine
internal import Imaging
internal import ONNX
internal import Support
internal import Zoo

/// The network of a `model.onnx` as that of a model: one image in, the scores of classes out.
struct ImportedModel {
    let network: ImportedNetwork
    let architecture: Architecture

    /// Reads a file, of which `name` is what the model's folder calls it.
    ///
    /// - Throws: `FormatError` that begins with the file's name.
    init(path: String, name: String, _ manifest: Manifest) throws(FormatError) {
        func fault(_ message: String) -> FormatError { FormatError(name, message) }
        guard manifest.task == .imageClassification, let color = manifest.input.preprocessing?.color else {
            let expected = Manifest.Task.imageClassification.rawValue
            throw FormatError(
                "task",
                "a 'model.onnx' is served for '\(expected)', found '\(manifest.task.rawValue)'"
            )
        }
        do throws(ONNXError) {
            network = try ImportedNetwork(
                path: path,
                options: .init(
                    dimensions: manifest.shape,
                    imageSize: manifest.input.imageSize,
                    isClassifier: true
                )
            )
        } catch {
            throw fault(error.description)
        }
        guard network.inputs.count == 1, network.graph.inputShape.rank == 3 else {
            let found = network.inputs.map { "'\($0.name)' of \($0.dimensions)" }.joined(separator: ", ")
            throw fault("a classifier takes one image, 1×channels×height×width, found \(found)")
        }
        let shape = network.graph.inputShape
        guard color.channels == shape[0] else {
            let found =
                "'\(color.rawValue)' has \(color.channels), but the network takes \(shape[0]) channels"
            throw FormatError("preprocessing.color", found)
        }
        if let size = manifest.input.imageSize, size != (shape[1], shape[2]) {
            let found =
                "makes images of \(size.height)×\(size.width), but the network takes \(shape[1])×\(shape[2])"
            throw FormatError("preprocessing", found)
        }
        let classes = network.outputs[0].dimensions.reduce(1, *)
        architecture = .imported(channels: shape[0], height: shape[1], width: shape[2], classes: classes)
    }

    /// What a file is taken for that lies alone in its folder: a classifier of images prepared as ImageNet's usually are,
    /// the shorter side resized to 8/7 of the crop, bilinear, in 0 … 1, normalised by ImageNet's means and deviations.
    ///
    /// - Throws: `FormatError` where it takes no image of a known size.
    static func usualManifest(parsing bytes: [UInt8]) throws(FormatError) -> JSONValue {
        let input: [Int]
        do throws(ONNXError) {
            input = try ImportedNetwork.inputs(parsing: bytes, options: .init(imageSize: (224, 224)))[0]
                .dimensions
        } catch {
            throw FormatError("", error.description)
        }
        guard input.count == 4, [1, 3].contains(input[1]), input[2...].allSatisfy({ 1...16_384 ~= $0 }) else {
            throw FormatError(
                "",
                "it takes an input of \(input), no image; a 'model.json' beside it says what it is for"
            )
        }
        let isColor = input[1] == 3
        let numbers = { (values: [Double]) in JSONValue.array(values.map { .number($0) }) }
        let preprocessing: JSONObject = [
            "color": .string(isColor ? "rgb" : "gray"),
            "resize": .integer(min(16_384, (min(input[2], input[3]) * 8 + 6) / 7)),
            "crop": .array([.integer(input[2]), .integer(input[3])]),
            "mean": numbers(isColor ? [0.485, 0.456, 0.406] : [0]),
            "std": numbers(isColor ? [0.229, 0.224, 0.225] : [1]),
        ]
        return .object([
            "task": .string(Manifest.Task.imageClassification.rawValue),
            "preprocessing": .object(preprocessing),
        ])
    }
}
