internal import Platform

/// The classes of bytes that HTTP's grammar names.
extension UInt8 {
    /// VCHAR: printing ASCII without the space (RFC 5234 §B.1).
    var isVisible: Bool { self > 0x20 && self < 0x7F }

    /// tchar (RFC 9110 §5.6.2).
    var isToken: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: return true
        default: return false
        }
    }

    /// What may stand in a field's value: HTAB, SP, VCHAR, obs-text (RFC 9110 §5.5).
    var isFieldContent: Bool { self >= 0x20 && self != 0x7F || self == 0x09 }

    /// unreserved, sub-delims and the percent sign of reg-name (RFC 3986 §3.2.2).
    var isHostName: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case 0x21, 0x24...0x2E, 0x3B, 0x3D, 0x5F, 0x7E: return true // ! $ % & ' ( ) * + , - .  ;  =  _  ~
        default: return false
        }
    }
}

/// Text as the protocol sees it: bytes. Comparing `String`s or `Character`s would take what Unicode calls equivalent
/// for the same (K for the Kelvin sign), and would not see a comma that a combining mark follows.
extension StringProtocol {
    /// Whether these are the same bytes.
    func hasSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }

    /// The text with A to Z, and nothing else, in lower case.
    var asciiLowercased: String {
        guard utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return String(self) }
        return String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

extension Collection<UInt8> where SubSequence == Self {
    /// The bytes without the spaces and tabs at both ends.
    func trimmingBlanks() -> Self {
        let start = drop(while: \.isBlank)
        var end = start.endIndex
        for (index, byte) in zip(start.indices, start) where !byte.isBlank { end = start.index(after: index) }
        return start.isEmpty ? start : start[..<end]
    }
}
