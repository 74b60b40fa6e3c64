package import Platform

/// A file of named tensors in the safetensors format, mapped into memory.
///
/// The file is taken as hostile: nothing in it is believed before it has been checked against the file's size.
/// Replace a file that is in use by renaming another over it; one that is cut short while mapped ends the process.
/// - Source: huggingface/safetensors, README, "Format": 8 bytes of length (little-endian), a JSON header, the data.
package struct Safetensors: Sendable {
    private let file: MappedFile
    private let entries: [String: SafetensorsHeader.Entry]
    private let dataStart: Int

    /// Maps a file and checks its header.
    ///
    /// - Throws: `SafetensorsError` when it cannot be read or contradicts itself.
    package init(path: String) throws(SafetensorsError) {
        do {
            file = try MappedFile(path: path)
        } catch {
            throw SafetensorsError(path: path, problem: .unreadable(error))
        }
        do {
            (entries, dataStart) = try Self.header(of: file)
        } catch {
            throw SafetensorsError(path: path, problem: error)
        }
    }

    /// The path that was opened.
    package var path: String { file.path }

    /// The shape of every tensor in the file, whatever the type of its numbers.
    package var shapes: [String: Shape] { entries.mapValues(\.shape) }

    /// The fingerprint of the file.
    package var fingerprint: UInt64 { file.fingerprint }

    /// The tensor with a name, as 32-bit floats: F32 is not copied, F16 and BF16 are converted, which is exact.
    ///
    /// - Throws: `SafetensorsError` when there is none, or its numbers are of another type.
    package func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = entries[name] else { throw fault(name, "is not in the file") }
        switch entry.type {
        case .f32: return floats(entry)
        case .f16: return converted(entry, float(half:))
        case .bf16: return converted(entry, float(bfloat:))
        default: throw fault(name, "is of type \(entry.type.rawValue), but F32, F16 or BF16 is needed")
        }
    }

    private func fault(_ name: String, _ text: String) -> SafetensorsError {
        SafetensorsError(path: path, problem: .tensor(name, text))
    }

    private static func header(
        of file: MappedFile
    ) throws(SafetensorsError.Problem) -> ([String: SafetensorsHeader.Entry], dataStart: Int) {
        guard file.count >= 8 else { throw .tooShort(bytes: file.count) }
        let declared = unsafe file.withBytes { bytes in
            unsafe UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        }
        let limit = min(file.count - 8, SafetensorsHeader.maxBytes)
        guard declared <= UInt64(limit) else { throw .headerLength(declared: declared, limit: limit) }
        let dataStart = 8 + Int(declared)
        // A copy, so that the bytes that are checked are the bytes that are used.
        let json = unsafe file.withBytes { bytes in unsafe Array(bytes[8..<dataStart]) }
        let header = try SafetensorsHeader(json: json, dataCount: file.count - dataStart)
        return (header.entries, dataStart)
    }

    private func floats(_ entry: SafetensorsHeader.Entry) -> Tensor {
        let offset = dataStart + entry.bytes.lowerBound
        guard offset % 4 != 0 else { return Tensor(shape: entry.shape, file: file, offset: offset) }
        return unsafe file.withBytes { bytes in
            unsafe Tensor(shape: entry.shape) { target in
                for index in target.indices {
                    unsafe target[index] = bytes.loadUnaligned(
                        fromByteOffset: offset + 4 * index,
                        as: Float.self
                    )
                }
            }
        }
    }

    private func converted(_ entry: SafetensorsHeader.Entry, _ convert: (UInt16) -> Float) -> Tensor {
        let offset = dataStart + entry.bytes.lowerBound
        return unsafe file.withBytes { bytes in
            unsafe Tensor(shape: entry.shape) { target in
                for index in target.indices {
                    let bits = unsafe bytes.loadUnaligned(fromByteOffset: offset + 2 * index, as: UInt16.self)
                    unsafe target[index] = convert(UInt16(littleEndian: bits))
                }
            }
        }
    }
}

extension Safetensors {
    /// Writes tensors as F32, in the given order; the file appears whole or not at all.
    ///
    /// - Precondition: no two tensors have one name.
    /// - Throws: `SystemError` when the file cannot be written.
    package static func write(
        _ tensors: [(name: String, tensor: Tensor)],
        to path: String
    ) throws(SystemError) {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors with one name")
        let file = try OutputFile(path: path)
        try unsafe file.write(headerBytes(tensors).span.bytes)
        for (_, tensor) in tensors {
            try tensor.withSpan { (floats) throws(SystemError) in try unsafe file.write(floats.bytes) }
        }
        try file.commit()
    }

    /// The length and the JSON, padded with spaces so that the data starts at a multiple of 8.
    private static func headerBytes(_ tensors: [(name: String, tensor: Tensor)]) -> [UInt8] {
        var end = 0
        let members = tensors.map { name, tensor in
            let start = end
            end += 4 * tensor.shape.elementCount
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            return
                "\(jsonString(name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}"
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return unsafe withUnsafeBytes(of: UInt64(json.count).littleEndian) { unsafe Array($0) } + json
    }

    private static func jsonString(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case ..<" ": "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
