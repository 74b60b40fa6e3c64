/// A rectangle of pixels; x and y count from the left and the top.
struct Region: Equatable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int

    /// The smallest region that holds both.
    func union(_ other: Region) -> Region {
        let left = min(x, other.x)
        let top = min(y, other.y)
        return Region(
            x: left,
            y: top,
            width: max(x + width, other.x + other.width) - left,
            height: max(y + height, other.y + other.height) - top
        )
    }

    /// What both regions cover; empty (of width or height 0) when they do not meet.
    func intersection(_ other: Region) -> Region {
        let left = max(x, other.x)
        let top = max(y, other.y)
        return Region(
            x: left,
            y: top,
            width: max(0, min(x + width, other.x + other.width) - left),
            height: max(0, min(y + height, other.y + other.height) - top)
        )
    }
}
