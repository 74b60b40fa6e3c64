/// An address of the web, `https://HOST[:PORT]/PATH`, of which it is known for sure which host it leads to.
///
/// Anything that two readers of URLs may understand in two ways (a name before an `@`, a backslash, white space, an escaped
/// host) is no address, so that whom a secret may be sent to is decided about the very host that is called.
package struct WebAddress: Sendable, Equatable, CustomStringConvertible {
    /// `https` or `http`.
    package let scheme: String
    /// In lower case; an IPv6 address in its brackets.
    package let host: String
    package let port: Int
    /// As it was written.
    package let text: String

    /// - Returns: nil for what is no such address.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
            let colon = text.firstRange(of: "://")
        else { return nil }
        scheme = text[..<colon.lowerBound].lowercased()
        guard ["http", "https"].contains(scheme) else { return nil }
        let authority = text[colon.upperBound...].prefix { !"/?#".contains($0) }
        // A colon within brackets belongs to an IPv6 address.
        let end = authority.lastIndex(of: "]").map(authority.index(after:)) ?? authority.firstIndex(of: ":")
        let name = authority[..<(end ?? authority.endIndex)]
        let rest = authority[name.endIndex...]
        guard Self.isHost(name), rest.isEmpty || rest.first == ":" else { return nil }
        guard let port = rest.isEmpty ? scheme == "https" ? 443 : 80 : Int(rest.dropFirst()),
            1...65535 ~= port
        else { return nil }
        host = name.lowercased()
        self.port = port
        self.text = text
    }

    private static func isHost(_ name: Substring) -> Bool {
        if name.first == "[" {
            guard name.last == "]", name.count > 2 else { return false }
            return name.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        return !name.isEmpty && name.utf8.allSatisfy { $0.isPlain }
    }

    package var description: String { text }

    /// Scheme, host and port: what a secret is for.
    package var origin: String { "\(scheme)://\(host):\(port)" }

    /// Whether it leads to this machine.
    package var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A }
    }

    /// The last part of its path, without a query.
    package var fileName: String {
        let path = text.dropFirst(scheme.count + 3).prefix { $0 != "?" && $0 != "#" }
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[path.index(after: slash)...])
    }
}

extension UInt8 {
    /// Whether a host and a name of a repository may have this byte.
    var isPlain: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
