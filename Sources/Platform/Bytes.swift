internal import CLinux
import Glibc

/// Scans and copies of bytes at the speed of the C library, bounds checked here once.
extension Span<UInt8> {
    /// The first index at or after `start` that holds `byte`, or nil.
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= count, "scan from \(start) of \(count) bytes")
        return unsafe withUnsafeBufferPointer { bytes in
            guard start < bytes.count, let base = bytes.baseAddress else { return nil }
            guard let found = unsafe memchr(base + start, Int32(byte), bytes.count - start) else {
                return nil
            }
            return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }

    /// Where `pattern` first begins at or after `start`, or nil.
    package func firstIndex(of pattern: Span<UInt8>, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= count, "scan from \(start) of \(count) bytes")
        return unsafe withUnsafeBufferPointer { bytes in
            unsafe pattern.withUnsafeBufferPointer { pattern in
                guard let base = bytes.baseAddress, let needle = pattern.baseAddress else { return nil }
                guard
                    let found = unsafe linux_find(base + start, bytes.count - start, needle, pattern.count)
                else { return nil }
                return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
            }
        }
    }

    /// The eight bytes from `start` on as one number, the first the lowest.
    @inlinable package func word(at start: Int) -> UInt64 {
        precondition(start >= 0 && start <= count - 8, "a word at \(start) of \(count) bytes")
        return unsafe withUnsafeBytes { bytes in
            unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
    }

    /// Whether these are the bytes of `text`, which is lower-case ASCII, in either case.
    package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        precondition(text.hasPointerRepresentation, "a single scalar cannot be compared as bytes")
        guard count == text.utf8CodeUnitCount else { return false }
        for i in indices {
            let byte = self[i]
            guard unsafe (byte.isLetter ? byte | 0x20 : byte) == text.utf8Start[i] else { return false }
        }
        return true
    }

    /// Whether these are exactly the bytes of `text`.
    package func equals(_ text: StaticString) -> Bool {
        precondition(text.hasPointerRepresentation, "a single scalar cannot be compared as bytes")
        return unsafe withUnsafeBufferPointer { bytes in
            guard bytes.count == text.utf8CodeUnitCount else { return false }
            guard let base = bytes.baseAddress else { return true }
            return unsafe memcmp(base, text.utf8Start, bytes.count) == 0
        }
    }
}

extension Array<UInt8> {
    /// Copies `bytes` to the end.
    package mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

extension String {
    /// The text that `bytes` encode in UTF-8; a byte sequence that is not UTF-8 becomes U+FFFD.
    package init(decoding bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The text that `bytes` encode in UTF-8, or nil when they are not UTF-8.
    package init?(validating bytes: Span<UInt8>) {
        guard
            let text = unsafe bytes.withUnsafeBufferPointer({ unsafe String(validating: $0, as: UTF8.self) })
        else { return nil }
        self = text
    }
}

/// The classes of ASCII, for what reads text as bytes.
extension UInt8 {
    /// 0 to 9.
    package var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// A to Z and a to z.
    package var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }

    /// A space or a tab.
    package var isBlank: Bool { self == 0x20 || self == 0x09 }

    package var isHex: Bool { hexValue != nil }

    /// What a hexadecimal digit stands for; nil for any other byte.
    package var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}
