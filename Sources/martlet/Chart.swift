internal import Imaging
internal import Tasks

/// A picture of numbers, drawn pixel by pixel.
struct Chart {
    /// Red, green, blue.
    typealias Color = (red: UInt8, green: UInt8, blue: UInt8)

    private static let white: Color = (255, 255, 255)
    private static let ink: Color = (60, 60, 60)
    private static let pale: Color = (222, 226, 230)
    private static let blue: Color = (33, 90, 160)
    private static let red: Color = (214, 90, 80)
    /// 3×5 pixels each, a row in three bits.
    // swift-format-ignore
    private static let digits: [[UInt8]] = [
        [7, 5, 5, 5, 7], [2, 6, 2, 2, 7], [7, 1, 7, 4, 7], [7, 1, 7, 1, 7], [5, 5, 7, 1, 1],
        [7, 4, 7, 1, 7], [7, 4, 7, 5, 7], [7, 1, 2, 2, 2], [7, 5, 7, 5, 7], [7, 5, 7, 1, 7],
    ]
    /// How large a pixel of a digit is.
    private static let digitScale = 2
    /// Where the numbers of an axis stand.
    private static let margin = 44

    private let width: Int
    private let height: Int
    private var pixels: [UInt8]

    private init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = Array(repeating: 255, count: 3 * width * height)
    }

    /// How often each class, a row, was taken for each, a column: the share of the row, from white to blue.
    ///
    /// The numbers are those of the classes; rows go down and columns to the right.
    static func confusion(_ matrix: ConfusionMatrix) -> Image {
        let cell = max(3, min(40, 640 / matrix.classes))
        let side = margin + cell * matrix.classes + 12
        var chart = Chart(width: side, height: side)
        for right in 0..<matrix.classes {
            let count = (0..<matrix.classes).reduce(0) { $0 + matrix[right, $1] }
            for found in 0..<matrix.classes {
                let share = count == 0 ? 0 : Double(matrix[right, found]) / Double(count)
                // Few mistakes are to be seen too.
                let color = share == 0 ? white : mixed(white, blue, 0.1 + 0.9 * share.squareRoot())
                let (x, y) = (margin + found * cell, margin + right * cell)
                chart.fill(x, y, cell, cell, color)
                guard cell > 7 else { continue }
                chart.fill(x, y, cell, 1, pale)
                chart.fill(x, y, 1, cell, pale)
            }
        }
        chart.frame(margin, margin, cell * matrix.classes)
        let step = (22 + cell - 1) / cell
        for index in stride(from: 0, to: matrix.classes, by: step) {
            let middle = margin + index * cell + cell / 2
            chart.number(index, endingAt: (margin - 6, middle - digitScale * 5 / 2))
            chart.number(index, centredAt: (middle, margin - 8 - digitScale * 5))
        }
        return chart.image
    }

    /// How often a model is right, upwards, when it is as sure as that, to the right, both in percent.
    ///
    /// Blue is the share that is right, red what it lacks of the confidence or has above it; on the diagonal the two are
    /// the same.
    static func reliability(_ reliability: Reliability) -> Image {
        let side = reliability.bins.count * max(8, 450 / reliability.bins.count)
        let cell = side / reliability.bins.count
        var chart = Chart(width: margin + side + 16, height: 16 + side + margin)
        let (left, bottom) = (margin, 16 + side)
        for (index, bin) in reliability.bins.enumerated() where bin.count > 0 {
            let accuracy = Int((bin.accuracy * Double(side)).rounded())
            let confidence = Int((bin.confidence * Double(side)).rounded())
            let x = left + index * cell
            chart.fill(x + 1, bottom - accuracy, cell - 2, accuracy, blue)
            let (low, high) = (min(accuracy, confidence), max(accuracy, confidence))
            chart.fill(x + 1, bottom - high, cell - 2, high - low, mixed(white, red, 0.6))
            chart.fill(x + 1, bottom - accuracy, cell - 2, 2, ink)
        }
        for step in 0..<side { chart.fill(left + step, bottom - step - 1, 2, 2, red) }
        chart.frame(left, 16, side)
        for tick in [0, 20, 40, 60, 80, 100] {
            let place = tick * side / 100
            chart.number(tick, endingAt: (left - 6, bottom - place - digitScale * 5 / 2))
            chart.number(tick, centredAt: (left + place, bottom + 8))
        }
        return chart.image
    }

    private var image: Image { Image(width: width, height: height, channels: 3, pixels: pixels) }

    private static func mixed(_ first: Color, _ second: Color, _ share: Double) -> Color {
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 {
            UInt8((Double(a) * (1 - share) + Double(b) * share).rounded())
        }
        return (
            mix(first.red, second.red), mix(first.green, second.green), mix(first.blue, second.blue)
        )
    }

    private mutating func fill(_ x: Int, _ y: Int, _ width: Int, _ height: Int, _ color: Color) {
        let columns = x..<x + max(0, width)
        for row in (y..<y + max(0, height)).clamped(to: 0..<self.height) {
            for column in columns.clamped(to: 0..<self.width) {
                let place = 3 * (row * self.width + column)
                (pixels[place], pixels[place + 1], pixels[place + 2]) = color
            }
        }
    }

    private mutating func frame(_ x: Int, _ y: Int, _ side: Int) {
        fill(x - 1, y - 1, side + 2, 1, Self.ink)
        fill(x - 1, y + side, side + 2, 1, Self.ink)
        fill(x - 1, y - 1, 1, side + 2, Self.ink)
        fill(x + side, y - 1, 1, side + 2, Self.ink)
    }

    private mutating func number(_ number: Int, endingAt place: (x: Int, y: Int)) {
        for (index, character) in String(number).reversed().enumerated() {
            draw(character, place.x - (index + 1) * 4 * Self.digitScale, place.y)
        }
    }

    private mutating func number(_ number: Int, centredAt place: (x: Int, y: Int)) {
        let width = String(number).count * 4 * Self.digitScale
        self.number(number, endingAt: (place.x + width / 2, place.y))
    }

    private mutating func draw(_ character: Character, _ x: Int, _ y: Int) {
        let scale = Self.digitScale
        for (row, bits) in Self.digits[character.wholeNumberValue ?? 0].enumerated() {
            for column in 0..<3 where bits & (4 >> column) != 0 {
                fill(x + column * scale, y + row * scale, scale, scale, Self.ink)
            }
        }
    }
}
