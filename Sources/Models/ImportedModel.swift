internal import Engine
internal import Imaging
internal import ONNX
internal import Support
internal import Zoo

/// The network of a `model.onnx` as that of a model: what goes in is an image, or whatever the network takes; what comes out
/// is read as the task says.
struct ImportedModel {
    let network: ImportedNetwork
    /// With the outputs that an answer is read from, and no others.
    let graph: Graph
    let architecture: Architecture
    let head: Head
    /// What goes in and out, of a model that takes tensors.
    let ports: NetworkPorts?
    /// The file, where requests choose shapes.
    let file: OpenFile?

    /// Whether the network of such a file can do that alone.
    private static func isServed(_ task: Manifest.Task) -> Bool {
        task == .tensors || task.takesImages && !task.hasTarget
    }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - name: what the model's folder calls it.
    ///   - manifest: what the model is for.
    ///   - classes: how many there are by the manifest or the labels; nil when neither says.
    /// - Throws: `FormatError` that begins with the file's name, or with the key of the manifest that does not fit.
    init(path: String, name: String, _ manifest: Manifest, classes: Int?) throws(FormatError) {
        guard Self.isServed(manifest.task) else {
            let tasks = Manifest.Task.allCases.filter(Self.isServed)
            let expected = tasks.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw FormatError(
                "task",
                "a 'model.onnx' is served for \(expected), found '\(manifest.task.rawValue)'"
            )
        }
        do throws(ONNXError) {
            (network, file) = try Self.network(path, manifest)
        } catch {
            throw FormatError(name, error.description)
        }
        let all = NetworkPorts(network, file)
        guard manifest.task.takesImages else {
            (head, ports, graph) = (.tensors(all), all, network.graph)
            architecture = .imported(channels: 1, height: 1, width: 1, classes: 0)
            return
        }
        ports = nil
        try Self.checkImage(network, manifest, name)
        let shape = network.graph.inputShape
        head = try Self.head(manifest, all, input: shape, classes: classes)
        graph = network.graph.handingOut(head)
        architecture = .imported(
            channels: shape[0],
            height: shape[1],
            width: shape[2],
            classes: head == .logits ? network.outputs[0].dimensions.reduce(1, *) : 0
        )
    }

    /// The network of a file, and the file where requests choose shapes.
    private static func network(
        _ path: String,
        _ manifest: Manifest
    ) throws(ONNXError) -> (ImportedNetwork, OpenFile?) {
        let bytes = try ImportedNetwork.contents(of: path)
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if manifest.task == .tensors {
            let file = try OpenFile(parsing: bytes, folder: folder, fixed: manifest.shape)
            guard !file.isOpen else {
                return try OpenFile.network(of: file, for: manifest.warmShapes.first)
            }
            guard manifest.warmShapes.isEmpty else {
                throw .malformed("'warm_shapes' are given, but no extent is open")
            }
        }
        let options = ImportedNetwork.Options(
            dimensions: manifest.shape,
            imageSize: manifest.input.imageSize,
            isClassifier: manifest.task == .imageClassification
        )
        return (try ImportedNetwork(parsing: bytes, folder: folder, options: options), nil)
    }

    /// Requires that the network takes one image, as the preprocessing makes it.
    private static func checkImage(
        _ network: ImportedNetwork,
        _ manifest: Manifest,
        _ name: String
    ) throws(FormatError) {
        let shape = network.graph.inputShape
        guard network.inputs.count == 1, shape.rank == 3, let preprocessing = manifest.input.preprocessing
        else {
            let found = network.inputs.map { "'\($0.name)' of \($0.dimensions)" }.joined(separator: ", ")
            let task = manifest.task.rawValue
            throw FormatError(
                name,
                "a model for '\(task)' takes one image, 1×channels×height×width, found \(found)"
            )
        }
        let color = preprocessing.color
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
        if manifest.task == .semanticSegmentation, preprocessing.crop != nil {
            throw FormatError(
                "preprocessing.crop",
                "a '\(manifest.task.rawValue)' is of the whole image; leave it to 'resize'"
            )
        }
    }

    private static func head(
        _ manifest: Manifest,
        _ ports: NetworkPorts,
        input: Shape,
        classes: Int?
    ) throws(FormatError) -> Head {
        if let boxes = manifest.boxes {
            return .boxes(try BoxHead(boxes, ports.outputs, input: input, classes: classes))
        }
        if let map = manifest.map { return .classMap(try MapHead(map, ports.outputs, classes: classes)) }
        guard let vector = manifest.vector else { return .logits }
        let outputs = ports.outputs.filter { vector.output == nil || $0.name == vector.output }
        guard let port = outputs.first, outputs.count == 1 else {
            let known = ports.outputs.map { "'\($0.name)' of \($0.shown)" }.joined(separator: ", ")
            let message =
                vector.output.map { "there is no output '\($0)'; there are" } ?? "name one of the outputs"
            throw FormatError("output", "\(message) \(known)")
        }
        return .vector(port)
    }

    /// What a file is taken for that lies alone in its folder: a classifier of images prepared as ImageNet's usually are,
    /// the shorter side resized to 8/7 of the crop, bilinear, in 0 … 1, normalised by ImageNet's means and deviations; and one
    /// for tensors, where it takes no image or answers none with a vector.
    ///
    /// - Throws: `FormatError` where it is no network.
    static func usualManifest(parsing bytes: [UInt8]) throws(FormatError) -> JSONValue {
        let ports: (inputs: [OpenInput], outputs: [OpenInput])
        do throws(ONNXError) {
            ports = try OpenInput.ports(parsing: bytes)
        } catch {
            throw FormatError("", error.description)
        }
        guard let input = image(ports.inputs), ports.outputs.first?.mayBeVector ?? false else {
            return .object(["task": .string(Manifest.Task.tensors.rawValue)])
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

extension ImportedModel {
    /// The dimensions of the only input that is an image, a classifier's usual where the file leaves its sides open.
    private static func image(_ inputs: [OpenInput]) -> [Int]? {
        guard let input = inputs.first, inputs.count == 1, input.extents.count == 4 else { return nil }
        let dimensions = input.extents.enumerated().map { axis, extent in
            if case .fixed(let size) = extent { size } else { axis == 0 ? 1 : axis == 1 ? 0 : 224 }
        }
        let isImage = [1, 3].contains(dimensions[1]) && dimensions[2...].allSatisfy { 1...16_384 ~= $0 }
        return isImage ? dimensions : nil
    }
}

extension OpenInput {
    /// Whether it may be a number for each class, as far as the file says.
    fileprivate var mayBeVector: Bool {
        extents.count < 3 || extents.dropFirst(2).allSatisfy { $0 == .fixed(1) }
    }
}

extension Graph {
    /// The same network with the outputs that a head reads, under its names.
    fileprivate func handingOut(_ head: Head) -> Graph {
        let wanted: [(name: String, source: String)]
        switch head {
        case .logits, .regions, .tensors: return self
        case .boxes(let head): wanted = head.parts.map { ($0.name, $0.name) }
        case .classMap(let head): wanted = [("logits", head.name)]
        case .vector(let port): wanted = [("logits", port.name)]
        }
        return withOutputs(
            wanted.compactMap { name, source in
                outputs.first { $0.name == source }.map { (name, $0.value) }
            }
        )
    }
}
