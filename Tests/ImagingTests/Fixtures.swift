import Foundation
import Imaging

/// The committed files and what Pillow and torchvision made of them (see Fixtures/make_fixtures.py).
enum Fixtures {
    /// A file to decode and its pixels in one colour.
    struct Decode: Decodable, CustomStringConvertible, Sendable {
        let file: String
        let color: String
        let width: Int
        let height: Int
        let offset: Int
        let count: Int
        var description: String { "\(file) as \(color)" }
    }

    /// A stretch of `expected.bin`.
    struct Stretch: Decodable, Sendable {
        let offset: Int
        let count: Int
    }

    /// Pixels, a size to give them, and the result.
    struct Resize: Decodable, CustomStringConvertible, Sendable {
        let width: Int
        let height: Int
        let channels: Int
        let source: Stretch
        let toWidth: Int
        let toHeight: Int
        let interpolation: String
        let offset: Int
        let count: Int
        var description: String {
            "\(width)×\(height)×\(channels) at \(source.offset) to \(toWidth)×\(toHeight) \(interpolation)"
        }
    }

    /// The settings of a preparation, as in `model.json`.
    struct Settings: Decodable, Sendable {
        let resize: Side?
        let pad: Int?
        let crop: [Int]?
        let interpolation: String?
        let color: String?
        let scale: Double?
        let mean: [Double]?
        let std: [Double]?
        let mirror: Bool?

        /// One number or two.
        enum Side: Decodable, Sendable {
            case shorter(Int)
            case exact([Int])

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let side = try? container.decode(Int.self) { // otherwise it must be an array
                    self = .shorter(side)
                } else {
                    self = .exact(try container.decode([Int].self))
                }
            }
        }

        var preprocessing: Preprocessing {
            let resize: Preprocessing.Resize =
                switch resize {
                case nil: .none
                case .shorter(let side)?: .shorterSide(side)
                case .exact(let sides)?: .exact(height: sides[0], width: sides[1])
                }
            return Preprocessing(
                resize: resize,
                pad: pad ?? 0,
                crop: crop.map { ImageSize(height: $0[0], width: $0[1]) },
                interpolation: interpolation.flatMap(Interpolation.init) ?? .bilinear,
                color: color.flatMap(ColorMode.init) ?? .rgb,
                scale: scale ?? 1 / 255,
                mean: mean,
                std: std,
                mirror: mirror ?? true
            )
        }
    }

    /// A file, settings and the values of its crops.
    struct Prepare: Decodable, CustomStringConvertible, Sendable {
        let file: String
        let crops: String
        let scales: [Int]?
        let resultCount: Int
        let channels: Int
        let height: Int
        let width: Int
        let settings: Settings
        let offset: Int
        let count: Int
        var description: String { "\(crops) crops of \(height)×\(width) from \(file) at \(offset)" }
    }

    /// A larger file with checksums of its pixels and of centre crops after resizing.
    struct Hashed: Decodable, CustomStringConvertible, Sendable {
        let file: String
        let pixels: UInt32
        let resized: [String: UInt32]
        var description: String { file }
    }

    private struct Cases: Decodable {
        let decode: [Decode]
        let resize: [Resize]
        let prepare: [Prepare]
        let hashed: [Hashed]
    }

    static var decode: [Decode] { cases.decode }
    static var resize: [Resize] { cases.resize }
    static var prepare: [Prepare] { cases.prepare }
    static var hashed: [Hashed] { cases.hashed }

    /// The bytes of a file.
    static func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "files/\(name)")))
    }

    /// What Pillow makes of regions (see Fixtures/make_region_fixtures.py).
    struct RegionCase: Decodable, CustomStringConvertible, Sendable {
        let region: [Int]
        let shape: String
        let padding: Int
        let width: Int
        let height: Int
        let interpolation: String
        let crc32: UInt32
        var description: String { "\(region) \(shape) \(padding) as \(width)×\(height) \(interpolation)" }
    }

    static func regions() throws -> [RegionCase] {
        let data = try Data(contentsOf: folder.appending(path: "regions.json"))
        return try JSONDecoder().decode([RegionCase].self, from: data)
    }

    /// The names of all files, sorted.
    static func fileNames() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "files").path).sorted()
    }

    /// A stretch of the expected bytes.
    static func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
        Array(expected[offset..<offset + count])
    }

    /// A stretch of the expected values.
    static func values(_ offset: Int, _ count: Int) -> [Float] {
        stride(from: offset, to: offset + count, by: 4).map { at in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(expected[at + $1]) << (8 * $1) })
        }
    }

    private static let folder = Bundle.module.bundleURL.appending(path: "Fixtures")
    private static let cases: Cases = {
        do {
            let data = try Data(contentsOf: folder.appending(path: "cases.json"))
            return try JSONDecoder().decode(Cases.self, from: data)
        } catch {
            fatalError("cases.json: \(error)")
        }
    }()
    private static let expected: [UInt8] = {
        do {
            return [UInt8](try Data(contentsOf: folder.appending(path: "expected.bin")))
        } catch {
            fatalError("expected.bin: \(error)")
        }
    }()
}

/// The checksum of ZIP and PNG.
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { checksumTable[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
}

private let checksumTable: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
    return value
}

/// The first place where two sequences of bytes differ, for messages; nil when they are equal.
func firstDifference(_ found: [UInt8], _ expected: [UInt8]) -> String? {
    guard found.count == expected.count else { return "\(found.count) bytes instead of \(expected.count)" }
    guard let index = found.indices.first(where: { found[$0] != expected[$0] }) else { return nil }
    let count = zip(found, expected).count { $0 != $1 }
    return "\(count) bytes differ; byte \(index) is \(found[index]) instead of \(expected[index])"
}
