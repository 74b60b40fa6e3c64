internal import Platform

/// Which names a client may call the daemon by, in its field `Host`.
///
/// A page of the web can have its own name lead to this machine (DNS rebinding) and then asks the daemon as if it were the
/// page's own server, past what browsers otherwise forbid; the name it asks for gives it away. Addresses in numbers and
/// `localhost` never do, so they are always taken.
package struct HostList: Sendable, Equatable {
    private let isAny: Bool
    /// Whether names without a dot are taken, which are those of a machine beside this one or of a container: no page of the
    /// web has one.
    private let takesPlainNames: Bool
    /// In lower case.
    private let names: [[UInt8]]
    /// Each begins with a dot: all names below it.
    private let suffixes: [[UInt8]]

    /// - Parameter names: such as `martlet.example`, `*.example` or `*`; where there are none, any without a dot.
    package init(_ names: [String]) {
        isAny = names.contains("*")
        takesPlainNames = names.isEmpty
        let lowered = names.map { $0.utf8.map(\.lowered) }
        self.names = [Array("localhost".utf8)] + lowered.filter { $0.first != UInt8(ascii: "*") }
        suffixes =
            [Array(".localhost".utf8)]
            + lowered.filter { $0.starts(with: "*.".utf8) }.map { Array($0.dropFirst()) }
    }

    /// Whether a client may ask for a host.
    ///
    /// - Parameter host: with or without a port; nil where a client of HTTP/1.0 says none, which no browser is.
    /// - Returns: whether it is a name that is listed, or none that a page could have.
    package func contains(_ host: String?) -> Bool {
        guard !isAny, let host, let first = host.utf8.first else { return true }
        // An IPv6 address, as the head was checked to be; else what nearly all say is looked at without a copy.
        if first == UInt8(ascii: "[") || Self.isNumeric(host.utf8) { return true }
        var name = Array(host.utf8)
        if let colon = name.lastIndex(of: UInt8(ascii: ":")) { name.removeSubrange(colon...) }
        if takesPlainNames, !name.contains(UInt8(ascii: ".")) { return true }
        for index in name.indices { name[index] = name[index].lowered }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        return names.contains(name)
            || suffixes.contains { name.count > $0.count && name.suffix($0.count).elementsEqual($0) }
    }

    /// Whether it is an IPv4 address, four numbers, with or without a port.
    private static func isNumeric(_ host: some Sequence<UInt8>) -> Bool {
        var (digits, dots) = (0, 0)
        for byte in host {
            if byte == UInt8(ascii: ":") { break }
            if byte == UInt8(ascii: "."), digits > 0 {
                (digits, dots) = (0, dots + 1)
            } else {
                digits += 1
                guard byte.isDigit, digits <= 3 else { return false }
            }
        }
        return dots == 3 && digits > 0
    }

    /// Whether an address to listen on is reached from this machine alone.
    package static func isLocal(_ address: String) -> Bool {
        let name = address.utf8.filter { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }.map(\.lowered)
        if name.starts(with: "unix:".utf8) || name.first == UInt8(ascii: "/") { return true }
        if name == Array("localhost".utf8) || name == Array("::1".utf8) { return true }
        return isNumeric(name) && name.starts(with: "127.".utf8)
    }
}

extension UInt8 {
    /// A capital letter of ASCII as a small one, anything else as it is.
    fileprivate var lowered: UInt8 { 0x41...0x5A ~= self ? self | 0x20 : self }
}
