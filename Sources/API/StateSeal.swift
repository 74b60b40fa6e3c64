internal import FoundationEssentials
package import Models
internal import Platform
package import Support

/// Makes of a recurrent state a text that a client can keep, and takes back only what it made itself.
///
/// The text is base64 of: the bytes `MLST`, the version 1, the model's name and version (each with its length in a byte),
/// the SHA-256 of its weights, the number of floats (4 bytes) and the floats, lowest byte first; then the HMAC-SHA-256 of
/// all that. It binds the state to the weights that made it, and a changed byte is noticed.
package struct StateSeal: Sendable {
    private static let mark = Array("MLST".utf8)
    private static let version: UInt8 = 1

    private let key: [UInt8]

    /// A seal with a key; servers with the same key take each other's states.
    package init(key: [UInt8]) {
        self.key = key
    }

    /// A seal with a random key: what it makes is of use until the process ends.
    package init() {
        self.init(key: (0..<32).map { _ in .random(in: .min ... .max) })
    }

    /// The text for a state of a model.
    package func seal(_ state: [Float], of model: Model) -> String {
        var bytes = Self.head(of: model)
        bytes.append(littleEndian: UInt32(state.count))
        for number in state { bytes.append(littleEndian: number.bitPattern) }
        return Data(bytes + HMACSHA256.code(bytes, key: key)).base64EncodedString()
    }

    /// The state in a text.
    ///
    /// - Throws: `ServingError` 400 for what was not made with this key, by this version, of this model.
    package func open(_ text: String, for model: Model) throws(ServingError) -> [Float] {
        guard let data = Data(base64Encoded: text) else { throw Self.fault("expected base64") }
        let bytes = [UInt8](data)
        guard bytes.starts(with: Self.mark), bytes.count > Self.mark.count else {
            throw Self.fault("expected a state as an answer gave it, found other bytes")
        }
        guard bytes[Self.mark.count] == Self.version else {
            let found = bytes[Self.mark.count]
            throw Self.fault("expected format \(Self.version), found format \(found)")
        }
        let body = Array(bytes.dropLast(SHA256.digestCount))
        guard HMACSHA256.isValid(bytes.suffix(SHA256.digestCount), of: body, key: key) else {
            throw Self.fault("it is incomplete, was changed, or was made by a server with another key")
        }
        let head = Self.head(of: model)
        guard body.starts(with: head) else {
            throw Self.fault("it was made by another model or by other weights than '\(model.name)'")
        }
        // What follows the head was written by `seal`: its count agrees with the model's.
        let floats = body[(head.count + 4)...]
        return stride(from: floats.startIndex, to: floats.endIndex, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(floats[start + $1]) << (8 * UInt32($1)) })
        }
    }

    private static func head(of model: Model) -> [UInt8] {
        let names = [model.name, model.version].flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        return mark + [version] + names + model.weightsDigest()
    }

    private static func fault(_ message: String) -> ServingError {
        .badRequest("state: \(message)", code: "invalid_state")
    }
}
