/// Finds the orientation in an image file's EXIF block.
///
/// A block that is missing, cut short or malformed says nothing, and never fails the image.
///
/// - Source: EXIF 2.32 §4.5 (TIFF structure) and §4.7 (APP1); PNG 1.2 extensions, eXIf.
enum Exif {
    /// The orientation that the file asks for; upright when it does not say.
    static func orientation(of bytes: ArraySlice<UInt8>, format: ImageFormat) -> Orientation {
        let block =
            switch format {
            case .jpeg: blockInJPEG(bytes)
            case .png: blockInPNG(bytes)
            }
        return orientation(inTIFF: TIFF(bytes: block)) ?? .upright
    }

    private static let marker: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0] // Exif␀␀

    /// Joins the contents of the APP1 segments marked Exif before the first scan.
    private static func blockInJPEG(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var block: [UInt8] = []
        var rest = bytes
        while let start = rest.firstIndex(of: 0xFF) {
            rest = rest[start...].drop { $0 == 0xFF }
            guard let code = rest.popFirst() else { break }
            switch code {
            case 0x00, 0x01, 0xD0...0xD8: continue // no length follows
            case 0xD9, 0xDA: return block[...] // the end, or the first scan
            default: break
            }
            guard let length = TIFF(bytes: rest, isBigEndian: true).integer16(at: 0), length >= 2 else {
                break
            }
            let segment = rest.prefix(length).dropFirst(2)
            if code == 0xE1, segment.starts(with: marker) { block += segment.dropFirst(marker.count) }
            rest = rest.dropFirst(length)
        }
        return block[...]
    }

    /// The contents of the first eXIf chunk.
    private static func blockInPNG(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes.dropFirst(8)
        while let length = TIFF(bytes: rest, isBigEndian: true).integer32(at: 0) {
            if rest.dropFirst(4).starts(with: "eXIf".utf8) {
                let block = rest.dropFirst(8).prefix(length)
                return block.starts(with: marker) ? block.dropFirst(marker.count) : block
            }
            rest = rest.dropFirst(12 + length) // length, name, contents, checksum
        }
        return []
    }

    /// Reads the tag from the first directory; the last of several wins.
    private static func orientation(inTIFF tiff: TIFF?) -> Orientation? {
        guard let tiff, let directory = tiff.integer32(at: 4), let count = tiff.integer16(at: directory)
        else {
            return nil
        }
        var orientation: Orientation?
        for entry in stride(from: directory + 2, to: directory + 2 + 12 * count, by: 12) {
            guard let tag = tiff.integer16(at: entry), let type = tiff.integer16(at: entry + 2) else { break }
            guard tag == 0x0112, tiff.integer32(at: entry + 4) == 1 else { continue }
            let value =
                type == 3 ? tiff.integer16(at: entry + 8) : type == 4 ? tiff.integer32(at: entry + 8) : nil
            orientation = value.flatMap(Orientation.init) ?? orientation
        }
        return orientation
    }
}

/// Bytes with an order, read at offsets that may lie anywhere.
private struct TIFF {
    let bytes: ArraySlice<UInt8>
    let isBigEndian: Bool

    init(bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    /// A TIFF file: `II*␀` or `MM␀*` at the start gives the order.
    init?(bytes: ArraySlice<UInt8>) {
        if bytes.starts(with: [0x49, 0x49, 0x2A, 0]) {
            self.init(bytes: bytes, isBigEndian: false)
        } else if bytes.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
            self.init(bytes: bytes, isBigEndian: true)
        } else {
            return nil
        }
    }

    func integer16(at offset: Int) -> Int? { integer(at: offset, count: 2) }

    func integer32(at offset: Int) -> Int? { integer(at: offset, count: 4) }

    private func integer(at offset: Int, count: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - count else { return nil }
        let field = bytes[(bytes.startIndex + offset)...].prefix(count)
        return isBigEndian
            ? field.reduce(0) { $0 << 8 | Int($1) }
            : field.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

/// How a stored image must be turned to stand upright, numbered as in EXIF.
///
/// - Source: EXIF 2.32, tag 0x0112. The case names say what is done to the stored image; turns are clockwise.
enum Orientation: Int, CaseIterable {
    case upright = 1
    case mirrored = 2
    case halfTurn = 3
    case flipped = 4
    case transposed = 5
    case quarterTurn = 6
    case transversed = 7
    case threeQuarterTurn = 8

    /// Whether stored rows become columns, so that width and height change places.
    var swapsSides: Bool { rawValue >= 5 }

    /// Where the stored pixel (x, y) lies in the upright image: origin + x·column + y·row, in pixels.
    struct Placement: Equatable {
        let origin: Int
        let column: Int
        let row: Int
    }

    /// The placement for a stored image of this size.
    func placement(width: Int, height: Int) -> Placement {
        let area = width * height
        // swift-format-ignore
        return switch self {
        case .upright:          Placement(origin: 0,              column: 1,       row: width)
        case .mirrored:         Placement(origin: width - 1,      column: -1,      row: width)
        case .halfTurn:         Placement(origin: area - 1,       column: -1,      row: -width)
        case .flipped:          Placement(origin: area - width,   column: 1,       row: -width)
        case .transposed:       Placement(origin: 0,              column: height,  row: 1)
        case .quarterTurn:      Placement(origin: height - 1,     column: height,  row: -1)
        case .transversed:      Placement(origin: area - 1,       column: -height, row: -1)
        case .threeQuarterTurn: Placement(origin: area - height,  column: -height, row: 1)
        }
    }
}
