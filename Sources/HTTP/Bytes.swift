/// The classes of bytes that HTTP's grammar names.
extension UInt8 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// VCHAR: printing ASCII without the space (RFC 5234 §B.1).
    var isVisible: Bool { self > 0x20 && self < 0x7F }

    var isHex: Bool { hexValue != nil }

    var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }

    var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }

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

    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// unreserved, sub-delims and the percent sign of reg-name (RFC 3986 §3.2.2).
    var isHostName: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case 0x21, 0x24...0x2E, 0x3B, 0x3D, 0x5F, 0x7E: return true // ! $ % & ' ( ) * + , - .  ;  =  _  ~
        default: return false
        }
    }
}
