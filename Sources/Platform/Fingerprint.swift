/// A number that tells apart contents which differ by accident; somebody with intent can make two alike.
package enum Fingerprint {
    /// The fingerprint of some bytes.
    ///
    /// Four lanes of multiplication and rotation over the words, so that a file is read as fast as memory gives it.
    package static func of(_ bytes: RawSpan) -> UInt64 {
        var lanes: [4 of UInt64] = [
            0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0x2545_f491_4f6c_dd1d,
        ]
        let whole = bytes.byteCount / 32 * 32
        var offset = 0
        while offset < whole {
            for lane in 0..<4 {
                let word = unsafe bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: offset + 8 * lane,
                    as: UInt64.self
                )
                lanes[lane] = mixed(lanes[lane], UInt64(littleEndian: word))
            }
            offset += 32
        }
        var result = UInt64(bytes.byteCount)
        for lane in 0..<4 { result = mixed(result, lanes[lane]) }
        while offset < bytes.byteCount {
            result = mixed(result, unsafe UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)))
            offset += 1
        }
        return result ^ result >> 32
    }

    /// The fingerprint of a text's UTF-8.
    package static func of(_ text: String) -> UInt64 { unsafe of(Array(text.utf8).span.bytes) }

    private static func mixed(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word) &* 0xff51_afd7_ed55_8ccd
        return product << 29 | product >> 35
    }
}
