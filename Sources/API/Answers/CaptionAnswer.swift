package import Imaging
internal import Models
package import Support
package import Tasks
internal import Zoo

/// How captions of images are written and drawn; the endpoint and the command line share it.
package struct CaptionAnswer: Sendable {
    /// The longer side of each of the pictures that are drawn, in pixels.
    package static let side = 192
    /// How many of them stand side by side.
    private static let mostColumns = 6
    /// How many words have a picture.
    private static let mostWords = 63
    /// Above each picture, for the word that it is of.
    private static let heading = 40

    private let options: Captioner.Options

    package init(_ options: Captioner.Options) { self.options = options }

    /// The members for one image: `text`, `tokens`, `score`, `stop`, `beams` where there are several, `seed` where tokens
    /// were drawn, `attention` where it was asked for, `image`, `timing_ms`.
    package func json(_ answer: Captioner.Answer) -> JSONObject {
        var json = answer.captions[0].sentence.json
        if options.writing.beams > 1 {
            json.append("beams", .array(answer.captions.map { .object($0.sentence.json) }))
        }
        if options.sampling != nil { json.append("seed", .integer(Int(options.seed))) }
        if options.wantsMaps { json.append("attention", attention(answer)) }
        json.append("image", answer.run.imageJSON)
        json.append("timing_ms", answer.run.timing(postprocess: answer.writing))
        return json
    }

    /// `{"height", "width", "box", "maps"}`, the maps row by row, one for each token.
    private func attention(_ answer: Captioner.Answer) -> JSONValue {
        let maps = answer.captions[0].maps
        let grids = maps.map { map in
            JSONValue.array(
                stride(from: 0, to: map.values.count, by: map.width).map { start in
                    .array(map.values[start..<start + map.width].map(JSONValue.float))
                }
            )
        }
        return .object([
            "height": .integer(maps.first?.height ?? 0), "width": .integer(maps.first?.width ?? 0),
            "box": .array(answer.box.sides.map { .number(($0 * 100).rounded() / 100) }),
            "maps": .array(grids),
        ])
    }

    /// How many bytes the JSON for an image may have, at most or nearly so.
    func mostBytes(of model: Model) -> Int {
        let tokens = options.writing.maxTokens ?? model.target?.maxLength ?? 0
        let grid = options.wantsMaps ? model.graph.positions : nil
        return 512 + tokens
            * (32 * (options.writing.beams + 1) + (grid.map { $0.height * $0.width * 14 } ?? 0))
    }

    /// The image, and again for each of the first words with its map over it and the word above.
    ///
    /// - Parameters:
    ///   - answer: of the image.
    ///   - picture: the upright image, in any size.
    /// - Returns: pictures in rows from left to right, of the size that `size` says.
    package func drawn(_ answer: Captioner.Answer, on picture: Image) -> Image {
        let tile = tile(picture)
        let box = answer.box.scaled(by: Double(tile.width) / Double(answer.run.size.width))
        let caption = answer.captions[0]
        let words = Array(zip(caption.sentence.tokens, caption.maps).prefix(Self.mostWords))
        let tiles = [tile] + words.map { $0.1.drawn(over: tile, at: box) }
        let size = size(of: answer, on: picture)
        let columns = min(tiles.count, Self.mostColumns)
        let pitch = (size.width / columns, tile.height + Self.heading)
        let sheet = Image.sheet(tiles, columns: columns, pitch: pitch, size: size)
        return sheet.drawn(
            words.enumerated().map { index, word in
                let (row, column) = (index + 1).quotientAndRemainder(dividingBy: columns)
                let (left, top) = (column * pitch.0, row * pitch.1 + Self.heading)
                return CaptionedBox(
                    ImageBox(
                        left: Double(left),
                        top: Double(top),
                        right: Double(left + tile.width),
                        bottom: Double(top + tile.height)
                    ),
                    word.0.spelling,
                    Palette.distinct.colors[0]
                )
            }
        )
    }

    /// The size of what is drawn of an answer.
    package func size(of answer: Captioner.Answer, on picture: Image) -> ImageSize {
        let size = Self.tileSize(picture)
        let tiles = 1 + min(answer.captions[0].maps.count, Self.mostWords)
        let columns = min(tiles, Self.mostColumns)
        return ImageSize(
            height: (tiles + columns - 1) / columns * (size.height + Self.heading),
            width: columns * size.width
        )
    }

    /// The picture with a longer side of `side`.
    private func tile(_ picture: Image) -> Image {
        let size = Self.tileSize(picture)
        guard size != ImageSize(height: picture.height, width: picture.width) else { return picture }
        return picture.resized(width: size.width, height: size.height, interpolation: .bilinear)
    }

    private static func tileSize(_ picture: Image) -> ImageSize {
        let factor = Double(Self.side) / Double(max(picture.width, picture.height))
        func side(_ pixels: Int) -> Int { max(1, Int((Double(pixels) * factor).rounded())) }
        return ImageSize(height: side(picture.height), width: side(picture.width))
    }
}

extension TokenName {
    /// A number as its digits.
    fileprivate var spelling: String {
        switch self {
        case .text(let text): text
        case .number(let number): "\(number)"
        }
    }
}
