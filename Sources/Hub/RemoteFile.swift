internal import Platform
internal import Support

/// A file that is to come, and what is known of it beforehand.
struct RemoteFile: Sendable, Equatable {
    /// What it is called in the model's folder.
    let name: String
    let address: WebAddress
    /// In bytes.
    var size: Int?
    /// In hexadecimal digits: all of them, or those at the beginning that the source tells.
    var sha256: String?
    /// What tells its contents from those of an older or newer file of this name.
    let identity: String

    /// What the part of it that is there is called.
    var partialName: String {
        let digest = SHA256.digest(Array(identity.utf8)).prefix(8)
        return "\(name).\(hexadecimal(digest)).part"
    }

    /// The digits of its SHA-256 that PyTorch writes into a file's name, as in `resnet18-f37072fd.pth`.
    static func digits(inName name: String) -> String? {
        guard let dot = name.lastIndex(of: "."), let dash = name[..<dot].lastIndex(of: "-") else {
            return nil
        }
        let digits = name[name.index(after: dash)..<dot]
        let isHash =
            8...64 ~= digits.utf8.count && digits.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
        return isHash ? String(digits) : nil
    }
}

/// Bytes as digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// What an answer says of the file that its body is a part of.
struct BodyPlace: Equatable {
    /// Where in the file the body begins.
    let start: Int
    /// How long the file is, where that is known.
    let total: Int?

    /// - Returns: nil for an answer that contradicts itself.
    init?(_ head: WebClient.Head) {
        let length = head.fields["content-length"].flatMap { Int($0) }
        guard head.status == 206 else {
            (start, total) = (0, length)
            return
        }
        // bytes 500-999/1234 (RFC 9110, §14.4)
        guard let range = head.fields["content-range"], range.hasPrefix("bytes ") else { return nil }
        let parts = range.dropFirst("bytes ".count).split(separator: "/")
        guard parts.count == 2, let first = parts[0].split(separator: "-").first.flatMap({ Int($0) }),
            first >= 0
        else { return nil }
        (start, total) = (first, Int(parts[1]))
    }
}
