internal import API
internal import Engine
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Zoo

/// A weights file: of one that opens every tensor of floats can be read, as large as its shape says, and written again it
/// has the same shapes and bits.
func fuzzSafetensors(_ bytes: [UInt8]) {
    let path = scratch + ".safetensors"
    write(bytes, to: path)
    guard let file = attempt({ try Safetensors(path: path) }) else { return }
    var tensors: [(name: String, tensor: Tensor)] = []
    for (name, shape) in file.shapes.sorted(by: { $0.key < $1.key }) {
        guard let tensor = attempt({ try file.tensor(name) }) else { continue }
        require(tensor.shape == shape && tensor.shape.elementCount <= bytes.count, "a tensor has its shape")
        tensors.append((name, tensor))
    }
    let copyPath = scratch + ".copy"
    require(attempt { try Safetensors.write(tensors, to: copyPath) } != nil, "tensors can be written")
    guard let copy = attempt({ try Safetensors(path: copyPath) }) else {
        return require(false, "and opened again")
    }
    for (name, tensor) in tensors {
        require(attempt { bits(try copy.tensor(name)) } == bits(tensor), "a tensor keeps its bits")
    }
}

/// A checkpoint of PyTorch: its tensors are as large as their shapes say, and together not many times as large as the file;
/// read again they are the same.
func fuzzCheckpoint(_ bytes: [UInt8]) {
    let path = scratch + ".pth"
    write(bytes, to: path)
    guard let file = attempt({ try PyTorchFile(path: path) }) else { return }
    var count = 0
    for (name, shape) in file.shapes {
        count += shape.elementCount
        require(4 * count <= 16 * bytes.count, "tensors are bounded by the file")
        guard let tensor = attempt({ try file.tensor(name) }) else { continue }
        require(tensor.shape == shape, "a tensor has its shape")
        require(attempt { bits(try file.tensor(name)) } == bits(tensor), "and the same numbers each time")
    }
}

private func bits(_ tensor: Tensor) -> [UInt32] {
    tensor.withSpan { span in span.indices.map { span[$0].bitPattern } }
}

/// A file in memory of this process alone.
private let scratch = "/dev/shm/martlet-fuzz-\(UInt64.random(in: 0 ... .max))"

private func write(_ bytes: [UInt8], to path: String) {
    let isWritten: Void? = attempt {
        let file = try OutputFile(path: path)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
    }
    require(isWritten != nil, "the scratch file can be written")
}

/// The description of a model, ours and timm's: what is read has file names that stay in the model's folder and numbers
/// that mean something.
func fuzzManifest(_ bytes: [UInt8]) {
    let readers: [([UInt8]) throws -> Manifest] = [
        { try Manifest(parsing: $0) }, { try TimmConfiguration.manifest(parsing: $0) },
    ]
    for reader in readers {
        guard let manifest = attempt({ try reader(bytes) }) else { continue }
        var files = [manifest.weights].compactMap(\.self)
        if case .file(let labels)? = manifest.labels { files.append(labels) }
        if case .text(let text) = manifest.input { files += text.vocabularies }
        for file in files {
            require(
                !file.isEmpty && file != "." && file != ".." && !file.utf8.contains(0x2F),
                "a file has a plain name"
            )
        }
        require(manifest.classes.map { $0 >= 1 } ?? true, "there is at least one class")
        guard let preprocessing = manifest.input.preprocessing else { continue }
        require(preprocessing.mean.count == preprocessing.color.channels, "each channel has a mean")
        require(preprocessing.std.count == preprocessing.color.channels, "each channel has a deviation")
        require(preprocessing.std.allSatisfy { $0 > 0 && $0.isFinite }, "a deviation can divide")
    }
}

/// The file of settings: what it sets is listed, and a file of the values as listed sets the same.
func fuzzSettings(_ bytes: [UInt8]) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    guard let configuration = attempt({ try settings(text) }) else { return }
    require(configuration.entries.count == Setting.all.count, "every setting is listed")
    let given = configuration.entries.filter { $0.source == .file("m.yaml") && $0.value != "(secret)" }
    let written = given.map { "\($0.name): \(quoted($0.value))\n" }.joined()
    guard let again = attempt({ try settings(written) }) else {
        return require(false, "values can be given again")
    }
    for entry in given {
        let value = again.entries.first { $0.name == entry.name }?.value
        require(value.map { Array($0.utf8) } == Array(entry.value.utf8), "\(entry.name) is the same again")
    }
}

private func settings(_ text: String) throws -> Configuration {
    try Configuration(SettingSources(file: "m.yaml", text: text), processors: 2)
}

/// A text in double quotes, as YAML writes what is not printable ASCII.
private func quoted(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { scalar in
        if (0x20..<0x7F).contains(scalar.value), scalar != "\"", scalar != "\\" { return String(scalar) }
        let digits = String(scalar.value, radix: 16)
        return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
    return "\"\(scalars.joined())\""
}
