package import Imaging
package import Models
internal import Platform
package import Support

/// A class for each pixel of an image.
package struct ClassMap: Sendable, Equatable {
    package let height: Int
    package let width: Int
    /// Row by row from the top.
    package let classes: [UInt16]

    /// - Precondition: there are as many classes as pixels.
    package init(height: Int, width: Int, classes: [UInt16]) {
        precondition(classes.count == height * width, "\(classes.count) classes for \(height)×\(width)")
        (self.height, self.width, self.classes) = (height, width, classes)
    }

    /// How many pixels each class has, of those that have any, by their numbers.
    package var counts: [(index: Int, pixels: Int)] {
        var counts = [Int](repeating: 0, count: Int(classes.max() ?? 0) + 1)
        for index in classes { counts[Int(index)] += 1 }
        return counts.enumerated().filter { $0.element > 0 }.map { ($0.offset, $0.element) }
    }

    /// Stretches of one class, row by row from the top; they go on from one row to the next.
    package var runs: [(index: Int, length: Int)] {
        var runs: [(index: Int, length: Int)] = []
        for index in classes {
            if let last = runs.last, last.index == Int(index) {
                runs[runs.count - 1].length += 1
            } else {
                runs.append((Int(index), 1))
            }
        }
        return runs
    }
}

extension ClassMap {
    /// Rows between two looks at the clock.
    private static let stretch = 16

    /// The classes of a network's numbers at each pixel of an image.
    ///
    /// Numbers are interpolated linearly between the centres of the network's pixels, and at the edge are those of the last
    /// one; the class with the highest is the pixel's, of equals the lower. Where there is one number for each pixel, class 1
    /// is where its probability reaches the threshold. Numbers that are classes themselves are those of the nearest pixel.
    ///
    /// - Parameters:
    ///   - numbers: of the network, channels × height × width.
    ///   - head: what they are.
    ///   - place: the part of the image that the network saw; it may reach beyond the image.
    ///   - size: of the image.
    ///   - context: whose deadline and departure end it.
    /// - Throws: why nobody waits; `ServingError` 500 for a number that is no class or not finite.
    /// - Source: as `post_process_semantic_segmentation` of Hugging Face's transformers: PyTorch's `interpolate`, bilinear,
    ///   `align_corners=False`, then the largest.
    package init(
        _ numbers: [Float],
        _ head: MapHead,
        at place: ImageBox,
        of size: ImageSize,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) {
        guard numbers.allSatisfy(\.isFinite) else {
            throw .internalError("the network's output is not a finite number", code: "not_finite")
        }
        let grid = Grid(head, place, size)
        let classes =
            head.isIndexed
            ? try Self.nearest(numbers, head, grid, context)
            : try Self.interpolated(numbers, head, grid, context)
        self.init(height: size.height, width: size.width, classes: classes)
    }

    /// Where the pixels of an image lie on the network's.
    private struct Grid {
        let columns: [Sample]
        let rows: [Sample]

        /// Between which pixels of the network, and how far towards the second.
        struct Sample {
            let first: Int
            let second: Int
            let share: Float
            var nearest: Int { share < 0.5 ? first : second }
        }

        init(_ head: MapHead, _ place: ImageBox, _ size: ImageSize) {
            func sample(_ pixel: Int, from start: Double, to end: Double, _ count: Int) -> Sample {
                let center = (Double(pixel) + 0.5 - start) / (end - start) * Double(count) - 0.5
                let position = min(max(center, 0), Double(count - 1))
                let first = Int(position)
                return Sample(
                    first: first,
                    second: min(first + 1, count - 1),
                    share: Float(position - Double(first))
                )
            }
            columns = (0..<size.width).map { sample($0, from: place.left, to: place.right, head.width) }
            rows = (0..<size.height).map { sample($0, from: place.top, to: place.bottom, head.height) }
        }
    }

    private static func nearest(
        _ numbers: [Float],
        _ head: MapHead,
        _ grid: Grid,
        _ context: RequestContext
    ) throws(ServingError) -> [UInt16] {
        guard numbers.allSatisfy({ $0 >= 0 && $0 < Float(head.classes) && $0 == $0.rounded() }) else {
            throw .internalError("the network's output is no class below \(head.classes)", code: "no_class")
        }
        var classes: [UInt16] = []
        classes.reserveCapacity(grid.rows.count * grid.columns.count)
        for (y, row) in grid.rows.enumerated() {
            if y % stretch == 0 { try context.check() }
            let start = row.nearest * head.width
            for column in grid.columns { classes.append(UInt16(numbers[start + column.nearest])) }
        }
        return classes
    }

    private static func interpolated(
        _ numbers: [Float],
        _ head: MapHead,
        _ grid: Grid,
        _ context: RequestContext
    ) throws(ServingError) -> [UInt16] {
        let width = grid.columns.count
        var classes = [UInt16](repeating: 0, count: grid.rows.count * width)
        var line = [Float](repeating: 0, count: head.width)
        var best = [Float](repeating: 0, count: width)
        for (y, row) in grid.rows.enumerated() {
            if y % stretch == 0 { try context.check() }
            // A map of one channel stands against what a probability has to reach.
            for x in best.indices { best[x] = head.channels == 1 ? head.least : -.infinity }
            for channel in 0..<head.channels {
                let start = channel * head.height * head.width
                let (upper, lower) = (start + row.first * head.width, start + row.second * head.width)
                for x in 0..<head.width {
                    let above = numbers[upper + x]
                    line[x] = above + (numbers[lower + x] - above) * row.share
                }
                let index = UInt16(head.channels == 1 ? 1 : channel)
                for (x, column) in grid.columns.enumerated() {
                    let left = line[column.first]
                    let value = left + (line[column.second] - left) * column.share
                    guard value > best[x] else { continue }
                    best[x] = value
                    classes[y * width + x] = index
                }
            }
        }
        return classes
    }
}

extension MapHead {
    /// What the number of a map of one channel has to be above: the largest with a probability below the threshold.
    fileprivate var least: Float {
        let threshold = description.threshold
        guard description.activation == .sigmoid else { return Float(threshold).nextDown }
        if threshold <= 0 { return -.infinity }
        if threshold >= 1 { return .infinity }
        return Float(Logarithm.of(threshold / (1 - threshold))).nextDown
    }
}

extension ClassMap {
    /// How much of a pixel is its class's colour where the map lies over an image.
    private static let opacity = 0.55

    /// The map as an image of one channel, whose pixels are classes.
    ///
    /// - Precondition: no class is above 255.
    package var image: Image {
        Image(width: width, height: height, channels: 1, pixels: classes.map { UInt8($0) })
    }

    /// An image with the colours of the classes over it; where the background is, the image as it is.
    ///
    /// - Parameters:
    ///   - image: of red, green, blue, in any size.
    ///   - palette: the colours.
    ///   - background: the class without a colour; nil for none.
    /// - Returns: an image of the same size.
    package func drawn(over image: Image, _ palette: Palette, background: Int?) -> Image {
        precondition(image.channels == 3, "an overlay on an image of \(image.channels) channels")
        var pixels = image.pixels
        for y in 0..<image.height {
            let row = y * height / image.height * width
            for x in 0..<image.width {
                let index = Int(classes[row + x * width / image.width])
                guard index != background else { continue }
                let (color, place) = (palette[index], (y * image.width + x) * 3)
                for (channel, shade) in [color.red, color.green, color.blue].enumerated() {
                    let below = Double(pixels[place + channel])
                    pixels[place + channel] = UInt8(below + (Double(shade) - below) * Self.opacity + 0.5)
                }
            }
        }
        return Image(width: image.width, height: image.height, channels: 3, pixels: pixels)
    }
}
