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
