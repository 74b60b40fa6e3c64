internal import JSON
package import Platform

/// A file of named tensors in the safetensors format, open while its tensors are read.
///
/// The file is taken as hostile: nothing in it is believed before it has been checked against the file's size. Tensors
/// are read into memory of their own, so a file that is replaced, cut short or deleted changes nothing that was read.
/// - Source: huggingface/safetensors, README, "Format": 8 bytes of length (little-endian), a JSON header, the data.
package struct Safetensors: WeightsSource {
    private let file: ReadableFile
    private let entries: [String: SafetensorsHeader.Entry]
    private let dataStart: Int
    /// What the file says of itself beside its tensors.
    package let metadata: [String: String]

    /// Opens a file and checks its header.
    ///
    /// - Throws: `TensorFileError` when it cannot be read or contradicts itself.
    package init(path: String) throws(TensorFileError) {
        do {
            file = try ReadableFile(path: path)
        } catch {
            throw TensorFileError(path: path, problem: .unreadable(error))
        }
        do {
            (entries, dataStart, metadata) = try Self.header(of: file)
        } catch {
            throw TensorFileError(path: path, problem: error)
        }
    }

    /// The path that was opened.
    package var path: String { file.path }

    /// The shape of every tensor in the file, whatever the type of its numbers.
    package var shapes: [String: Shape] { entries.mapValues(\.shape) }

    /// The tensor with a name, as 32-bit floats; F16 and BF16 are converted, which is exact.
    ///
    /// - Throws: `TensorFileError` when there is none, its numbers are of another type, or the file has been cut short.
    package func tensor(_ name: String) throws(TensorFileError) -> Tensor {
        guard let entry = entries[name] else { throw fault(name, "is not in the file") }
        switch entry.type {
        case .f32: return try floats(name, entry)
        case .f16: return try converted(name, entry, float(half:))
        case .bf16: return try converted(name, entry, float(bfloat:))
        default: throw fault(name, "is of type \(entry.type.rawValue), but F32, F16 or BF16 is needed")
        }
    }

    /// Requires that nobody wrote to the file since it was opened: what was read is of one piece.
    ///
    /// - Throws: `TensorFileError` when somebody did.
    package func checkUnchanged() throws(TensorFileError) {
        try file.checkUnchanged()
    }

    private func fault(_ name: String, _ text: String) -> TensorFileError {
        TensorFileError(path: path, problem: .tensor(name, text))
    }

    private static func header(
        of file: ReadableFile
    ) throws(TensorFileError.Problem) -> (
        [String: SafetensorsHeader.Entry], dataStart: Int, metadata: [String: String]
    ) {
        guard file.kind == .regular else { throw .notAFile(file.kind) }
        guard file.count >= 8 else { throw .tooShort(bytes: file.count) }
        let declared = try bytes(8, of: file, at: 0).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let limit = min(file.count - 8, SafetensorsHeader.maxBytes)
        guard declared <= UInt64(limit) else { throw .headerLength(declared: declared, limit: limit) }
        let json = try bytes(Int(declared), of: file, at: 8)
        let dataStart = 8 + json.count
        let header = try SafetensorsHeader(json: json, dataCount: file.count - dataStart)
        return (header.entries, dataStart, header.metadata)
    }

    private static func bytes(
        _ count: Int,
        of file: ReadableFile,
        at offset: Int
    ) throws(TensorFileError.Problem) -> [UInt8] {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.bytes(count, at: offset)
        } catch {
            throw .unreadable(error)
        }
        guard bytes.count == count else { throw .changed }
        return bytes
    }

    private func floats(_ name: String, _ entry: SafetensorsHeader.Entry) throws(TensorFileError) -> Tensor {
        try unsafe Tensor(shape: entry.shape, outOfMemory: outOfMemory) {
            (target: UnsafeMutableBufferPointer<Float>) throws(TensorFileError) in
            try unsafe read(name, UnsafeMutableRawBufferPointer(target), at: entry.bytes.lowerBound)
        }
    }

    /// Numbers of 16 bits that are converted at once.
    private static let numbersAtATime = 1 << 16

    private func converted(
        _ name: String,
        _ entry: SafetensorsHeader.Entry,
        _ convert: (UInt16) -> Float
    ) throws(TensorFileError) -> Tensor {
        try unsafe Tensor(shape: entry.shape, outOfMemory: outOfMemory) {
            (target: UnsafeMutableBufferPointer<Float>) throws(TensorFileError) in
            for start in stride(from: 0, to: target.count, by: Self.numbersAtATime) {
                let count = min(target.count - start, Self.numbersAtATime)
                let bytes = try read(name, 2 * count, at: entry.bytes.lowerBound + 2 * start)
                for index in 0..<count {
                    let bits = UInt16(bytes[2 * index]) | UInt16(bytes[2 * index + 1]) << 8
                    unsafe target[start + index] = convert(bits)
                }
            }
        }
    }

    /// Some bytes of the data from `offset` on.
    private func read(_ name: String, _ count: Int, at offset: Int) throws(TensorFileError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.bytes(count, at: dataStart + offset)
        } catch {
            throw TensorFileError(path: path, problem: .unreadable(error))
        }
        guard bytes.count == count else { throw cutShort(name) }
        return bytes
    }

    private func cutShort(_ name: String) -> TensorFileError {
        fault(name, "has lost its end: the file was cut short while it was read")
    }

    private func outOfMemory(_ error: SystemError) -> TensorFileError {
        TensorFileError(path: path, problem: .unreadable(error))
    }

    /// Fills `target` with data from `offset` on.
    private func read(
        _ name: String,
        _ target: UnsafeMutableRawBufferPointer,
        at offset: Int
    ) throws(TensorFileError) {
        let count: Int
        do throws(SystemError) {
            count = try unsafe file.read(at: dataStart + offset, into: target)
        } catch {
            throw TensorFileError(path: path, problem: .unreadable(error))
        }
        guard count == target.count else { throw cutShort(name) }
    }
}

extension Safetensors {
    /// Writes tensors as F32, in the given order; the file appears whole or not at all.
    ///
    /// - Precondition: no two tensors have one name.
    /// - Throws: `SystemError` when the file cannot be written.
    package static func write(
        _ tensors: [(name: String, tensor: Tensor)],
        metadata: KeyValuePairs<String, String> = [:],
        to path: String
    ) throws(SystemError) {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors with one name")
        let file = try OutputFile(path: path)
        try unsafe file.write(headerBytes(tensors, metadata).span.bytes)
        for (_, tensor) in tensors {
            try tensor.withSpan { (floats) throws(SystemError) in try unsafe file.write(floats.bytes) }
        }
        try file.commit()
    }

    /// The length and the JSON, padded with spaces so that the data starts at a multiple of 8.
    private static func headerBytes(
        _ tensors: [(name: String, tensor: Tensor)],
        _ metadata: KeyValuePairs<String, String>
    ) -> [UInt8] {
        var end = 0
        let facts = metadata.map { "\(JSONValue.string($0).text):\(JSONValue.string($1).text)" }
        let heading = facts.isEmpty ? [] : ["\"__metadata__\":{\(facts.joined(separator: ","))}"]
        let members =
            heading
            + tensors.map { name, tensor in
                let start = end
                end += 4 * tensor.shape.elementCount
                let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
                return
                    "\(JSONValue.string(name).text):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}"
            }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return unsafe withUnsafeBytes(of: UInt64(json.count).littleEndian) { unsafe Array($0) } + json
    }
}
