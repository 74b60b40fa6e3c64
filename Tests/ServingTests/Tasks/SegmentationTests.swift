import Imaging
import Models
import Support
import Tasks
import Testing

/// A class for each pixel.
struct SegmentationTests {
    private static func head(
        _ dimensions: [Int],
        _ json: String = "{}",
        integers: Bool = false,
        classes: Int? = nil
    ) throws -> MapHead {
        let fields = try JSONReader(JSONValue(parsing: Array(json.utf8))).members()
        let port = TensorPort("logits", dimensions, integers ? .i64 : .f32)
        return try MapHead(MapDescription(fields), [port], classes: classes)
    }

    private static func whole(_ width: Int, _ height: Int) -> ImageBox {
        ImageBox(left: 0, top: 0, right: Double(width), bottom: Double(height))
    }

    @Test func `numbers are interpolated before the largest is taken`() throws {
        // Class 1 rises from the left to the right; half-way lies between the two pixels of the network.
        let head = try Self.head([2, 1, 2])
        let size = ImageSize(height: 1, width: 8)
        let map = try ClassMap([0.5, 0.5, 0, 1], head, at: Self.whole(8, 1), of: size)
        #expect(map.classes == [0, 0, 0, 0, 1, 1, 1, 1])
        let later = try ClassMap([0.8, 0.8, 0, 1], head, at: Self.whole(8, 1), of: size)
        #expect(later.classes == [0, 0, 0, 0, 0, 1, 1, 1], "at 4.5/8 it is 0.625, at 5.5/8 0.875")
    }

    @Test func `equal numbers give the lower class`() throws {
        let head = try Self.head([3, 2, 2])
        let map = try ClassMap(
            Array(repeating: 1, count: 12),
            head,
            at: Self.whole(3, 3),
            of: .init(height: 3, width: 3)
        )
        #expect(Set(map.classes) == [0])
    }

    @Test func `one channel is a probability against the threshold`() throws {
        let size = ImageSize(height: 1, width: 3)
        let numbers: [Float] = [-0.1, 0, 0.1]
        let sigmoid = try Self.head([1, 1, 3])
        #expect(try ClassMap(numbers, sigmoid, at: Self.whole(3, 1), of: size).classes == [0, 1, 1])
        let plain = try Self.head([1, 1, 3], #"{"activation": "none", "threshold": 0.1}"#)
        #expect(try ClassMap(numbers, plain, at: Self.whole(3, 1), of: size).classes == [0, 0, 1])
        for (threshold, classes) in [(0, [1, 1, 1]), (1, [0, 0, 0])] as [(Int, [UInt16])] {
            let head = try Self.head([1, 1, 3], #"{"threshold": \#(threshold)}"#)
            #expect(try ClassMap(numbers, head, at: Self.whole(3, 1), of: size).classes == classes)
        }
    }

    @Test func `numbers that are classes are those of the nearest pixel`() throws {
        let head = try Self.head([2, 2], integers: true, classes: 9)
        let size = ImageSize(height: 2, width: 4)
        let map = try ClassMap([0, 8, 3, 4], head, at: Self.whole(4, 2), of: size)
        #expect(map.classes == [0, 0, 8, 8, 3, 3, 4, 4])
        #expect(throws: ServingError.self) {
            try ClassMap([0, 9, 0, 0], head, at: Self.whole(4, 2), of: size)
        }
        #expect(throws: FormatError.self) { try Self.head([2, 2], integers: true) }
    }

    @Test func `bars beside the image are left out`() throws {
        // A network of 4×4 saw an image of 2 × 4 pixels in its middle rows.
        let head = try Self.head([2, 4, 4])
        let place = ImageBox(left: 0, top: -1, right: 4, bottom: 3)
        var numbers = [Float](repeating: 0, count: 32)
        for x in 0..<4 { (numbers[16 + x], numbers[16 + 4 + x]) = (9, 1) } // rows 0 (a bar) and 1
        let map = try ClassMap(numbers, head, at: place, of: ImageSize(height: 2, width: 4))
        #expect(map.classes == [1, 1, 1, 1, 0, 0, 0, 0])
    }

    @Test func `what is not finite is an error, and nobody waits for a map`() throws {
        let head = try Self.head([2, 1, 1])
        let size = ImageSize(height: 1, width: 1)
        for number in [Float.nan, .infinity] {
            #expect(throws: ServingError.self) {
                try ClassMap([0, number], head, at: Self.whole(1, 1), of: size)
            }
        }
        let gone = RequestContext.test(deadline: .now - .seconds(1))
        #expect(throws: ServingError.deadlineExceeded) {
            try ClassMap([0, 1], head, at: Self.whole(1, 1), of: size, gone)
        }
    }

    @Test func `runs go on from row to row, and hold every pixel`() {
        let map = ClassMap(height: 2, width: 3, classes: [0, 0, 2, 2, 1, 1])
        #expect(map.runs.map { [$0.index, $0.length] } == [[0, 2], [2, 2], [1, 2]])
        #expect(map.counts.map { [$0.index, $0.pixels] } == [[0, 2], [1, 2], [2, 2]])
    }

    @Test func `overlap is counted over all pixels of a class`() {
        var tally = IntersectionOverUnion(classes: 3)
        tally.add(ClassMap(height: 1, width: 5, classes: [0, 0, 1, 1, 1]), [0, 1, 1, 1, 255])
        #expect(tally.perClass == [0.5, 2.0 / 3, nil])
        #expect(tally.mean == (0.5 + 2.0 / 3) / 2 && tally.accuracy == 0.75)
    }

    @Test func `colours come from the manifest, in either form`() throws {
        let head = try Self.head([3, 1, 1], ##"{"palette": ["#010203", [4, 5, 6]]}"##)
        #expect(head.palette.colors.map(\.hexadecimal) == ["#010203", "#040506", "#008000"])
        for wrong in [##"["#12345"]"##, ##"["#+12345"]"##, "[[1, 2]]", "[[0, 0, 256]]", "[]", #""red""#] {
            #expect(throws: FormatError.self) { try Self.head([3, 1, 1], #"{"palette": \#(wrong)}"#) }
        }
    }
}
