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

extension Orientation {
    /// The orientation that a file asks for, as Pillow's `ImageOps.exif_transpose` understands it.
    ///
    /// EXIF is asked first, and XMP only where EXIF has no such tag. What is missing, cut short or malformed says nothing
    /// and never fails the image.
    init(of bytes: ArraySlice<UInt8>, format: ImageFormat) {
        let metadata = ImageMetadata(of: bytes, format: format)
        switch metadata.exif.map(Exif.orientation) ?? .absent {
        case .value(let number): self = Orientation(rawValue: number) ?? .upright
        case .malformed: self = .upright
        case .absent: self = metadata.xmp.flatMap(Self.init(xmp:)) ?? .upright
        }
    }

    /// The digit behind the first `tiff:Orientation="` or `<tiff:Orientation>`; nil without one, and for 0 and 9.
    private init?(xmp: ArraySlice<UInt8>) {
        var rest = xmp
        let name = Array("tiff:Orientation".utf8)
        while let start = rest.firstIndex(of: name[0]) {
            rest = rest[start...]
            guard rest.starts(with: name) else {
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(name.count)
            let value =
                rest.starts(with: "=\"".utf8)
                ? rest.dropFirst(2) : rest.starts(with: ">".utf8) ? rest.dropFirst() : []
            guard let digit = value.first, (0x30...0x39).contains(digit) else { continue }
            self.init(rawValue: Int(digit) - 0x30)
            return
        }
        return nil
    }
}
