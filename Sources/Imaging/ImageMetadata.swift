internal import CCodecs

/// The blocks of an image file that may say how it stands: EXIF and XMP, as Pillow finds them.
///
/// - Source: EXIF 2.32 §4.7 (APP1); XMP 3 §1.1.3; PNG 3 §11.3 (eXIf, text); ImageMagick's raw profiles; RFC 9649 §2.7.
struct ImageMetadata {
    /// The EXIF block behind its marker; nil when there is none.
    private(set) var exif: ArraySlice<UInt8>?
    /// The XMP packet; nil when there is none.
    private(set) var xmp: ArraySlice<UInt8>?

    init(of bytes: ArraySlice<UInt8>, format: ImageFormat) {
        switch format {
        case .jpeg: readJPEG(bytes)
        case .png: readPNG(bytes)
        case .webp: readWebP(bytes)
        case .gif, .bmp: break // they have none
        }
    }

    // JPEG

    private static let adobe = Array("http://ns.adobe.com/xap/1.0/".utf8) + [0]

    /// Joins the segments marked Exif before the first scan; of several XMP packets the last counts.
    private mutating func readJPEG(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let start = rest.firstIndex(of: 0xFF) {
            rest = rest[start...].drop { $0 == 0xFF }
            guard let code = rest.popFirst() else { return }
            switch code {
            case 0x00, 0x01, 0xD0...0xD8: continue // no length follows
            case 0xD9, 0xDA: return // the end, or the first scan
            default: break
            }
            guard let length = ByteReader(rest, isBigEndian: true).integer16(at: 0), length >= 2 else {
                return
            }
            let segment = rest.prefix(length).dropFirst(2)
            if code == 0xE1, segment.starts(with: Exif.marker) {
                let block = segment.dropFirst(Exif.marker.count)
                exif = exif.map { $0 + block } ?? block
            } else if code == 0xE1, segment.starts(with: Self.adobe) {
                xmp = segment.dropFirst(Self.adobe.count)
            }
            rest = rest.dropFirst(length)
        }
    }

    // PNG

    /// A keyword's text, still as it is in its chunk.
    private struct Text {
        let bytes: ArraySlice<UInt8>
        let isCompressed: Bool

        /// The text itself; nil when it is damaged, or longer than Pillow reads.
        var inflated: ArraySlice<UInt8>? {
            guard isCompressed else { return bytes }
            let most = 1 << 20
            let text = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
                count = unsafe bytes.withUnsafeBufferPointer { source in
                    guard let source = source.baseAddress, let out = buffer.baseAddress else { return 0 }
                    return unsafe codec_inflate(source, bytes.count, out, most)
                }
            }
            return text.isEmpty ? nil : text[...]
        }
    }

    /// Of each kind of block the last counts, wherever it is.
    private mutating func readPNG(_ bytes: ArraySlice<UInt8>) {
        var profile, packet: Text?
        let reader = ByteReader(bytes, isBigEndian: true)
        var at = 8
        while let length = reader.integer32(at: at), let name = reader.integer32(at: at + 4) {
            guard length <= bytes.count - at - 8, name != PNGChunk.end else { break }
            let first = bytes.startIndex + at + 8
            let contents = bytes[first..<first + length]
            switch name {
            case PNGChunk.exif: exif = contents
            case PNGChunk.text, PNGChunk.deflatedText, PNGChunk.internationalText:
                guard let end = contents.prefix(80).firstIndex(of: 0) else { break }
                let text = Self.text(contents[(end + 1)...], in: name)
                let keyword = contents[..<end]
                if keyword.elementsEqual("Raw profile type exif".utf8) { profile = text ?? profile }
                if keyword.elementsEqual("XML:com.adobe.xmp".utf8) { packet = text ?? packet }
                if name == PNGChunk.text, keyword.elementsEqual("exif".utf8) { exif = text?.bytes }
            default: break
            }
            at += 12 + length // length, name, contents, checksum
        }
        if exif == nil, let profile { exif = Self.exif(inProfile: profile.inflated) }
        xmp = packet?.inflated
    }

    /// Names of chunks, as the numbers that they are read as.
    private enum PNGChunk {
        static let exif = 0x6558_4966
        static let text = 0x7445_5874
        static let deflatedText = 0x7A54_5874
        static let internationalText = 0x6954_5874
        static let end = 0x4945_4E44
    }

    /// What follows the keyword of a chunk of text.
    private static func text(_ contents: ArraySlice<UInt8>, in name: Int) -> Text? {
        if name == PNGChunk.text { return Text(bytes: contents, isCompressed: false) }
        guard let first = contents.first else { return nil }
        if name == PNGChunk.deflatedText {
            return first == 0 ? Text(bytes: contents.dropFirst(), isCompressed: true) : nil
        }
        // iTXt: whether it is compressed, how, the language, the keyword in that language, the text.
        let fields = contents.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, first == 0 || contents.dropFirst().first == 0 else { return nil }
        return Text(bytes: fields[2], isCompressed: first != 0)
    }

    /// The block in a profile as ImageMagick writes it: an empty line, the kind, the length, hexadecimal digits.
    ///
    /// What is no such profile gives a block that is no EXIF.
    private static func exif(inProfile text: ArraySlice<UInt8>?) -> ArraySlice<UInt8> {
        let malformed: ArraySlice<UInt8> = [0]
        let newline = UInt8(ascii: "\n")
        let lines = (text ?? []).split(separator: newline, maxSplits: 3, omittingEmptySubsequences: false)
        var block: [UInt8] = []
        var high: UInt8?
        for character in lines.count == 4 ? lines[3] : [] {
            if character == newline || high == nil && [0x20, 0x09, 0x0B, 0x0C, 0x0D].contains(character) {
                continue
            }
            guard let digit = Character(Unicode.Scalar(character)).hexDigitValue else { return malformed }
            if let first = high { block.append(first << 4 | UInt8(digit)) }
            high = high == nil ? UInt8(digit) : nil
        }
        guard high == nil else { return malformed }
        return block.starts(with: Exif.marker) ? block.dropFirst(Exif.marker.count) : block[...]
    }

    // WebP

    /// The first chunk of each kind, in files whose header says that there is one.
    private mutating func readWebP(_ bytes: ArraySlice<UInt8>) {
        let reader = ByteReader(bytes, isBigEndian: false)
        guard let size = reader.integer32(at: 4), bytes.dropFirst(12).starts(with: "VP8X".utf8),
            let flags = reader.integer8(at: 20)
        else { return }
        let end = min(bytes.count, 8 + size)
        var at = 12
        while at <= end - 8, let length = reader.integer32(at: at + 4), length <= end - at - 8 {
            let first = bytes.startIndex + at + 8
            let (name, contents) = (bytes[first - 8..<first - 4], bytes[first..<first + length])
            if flags & 8 != 0, exif == nil, name.elementsEqual("EXIF".utf8) {
                exif = contents.starts(with: Exif.marker) ? contents.dropFirst(Exif.marker.count) : contents
            } else if flags & 4 != 0, xmp == nil, name.elementsEqual("XMP ".utf8) {
                xmp = contents
            }
            at += 8 + length + length % 2
        }
    }
}
