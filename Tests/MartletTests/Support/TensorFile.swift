import Foundation
import Support

/// A safetensors file as its parts, to write well-formed files with the wrong tensors in them.
struct TensorFile {
    struct Entry {
        var name: String
        var type: String
        var shape: [Int]
        var bytes: Data
    }

    var entries: [Entry]

    init(entries: [Entry]) { self.entries = entries }

    init(contentsOf url: URL) throws {
        let file = try Data(contentsOf: url)
        let headerLength = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONDecoder().decode([String: Header].self, from: file[8..<8 + headerLength])
        let data = file[(8 + headerLength)...]
        entries = header.sorted { $0.value.data_offsets[0] < $1.value.data_offsets[0] }.map { name, value in
            let range = data.startIndex + value.data_offsets[0]..<data.startIndex + value.data_offsets[1]
            return Entry(name: name, type: value.dtype, shape: value.shape, bytes: data[range])
        }
    }

    /// The file's bytes; the data lies in the order of the entries.
    func encoded() throws -> Data {
        var header: [String: Header] = [:]
        var data = Data()
        for entry in entries {
            let offsets = [data.count, data.count + entry.bytes.count]
            header[entry.name] = Header(dtype: entry.type, shape: entry.shape, data_offsets: offsets)
            data += entry.bytes
        }
        var encoded = try JSONEncoder().encode(header)
        encoded += Data(repeating: UInt8(ascii: " "), count: -encoded.count & 7)
        return Self.length(UInt64(encoded.count)) + encoded + data
    }

    /// A header length as the file's first eight bytes.
    static func length(_ value: UInt64) -> Data {
        withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }

    private struct Header: Codable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int] // the format's own name
    }
}
