import Imaging
import Testing

/// Mutated files end in an image or in an error, never in a crash; the same seed makes the same files.
@Suite struct ImageFuzzTests {
    private static let rounds = 10_000
    private static let seed: UInt64 = 0x5EED_1E55

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    private func mutate(_ file: [UInt8], using generator: inout Generator) -> [UInt8] {
        var bytes = file
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            guard !bytes.isEmpty else { return bytes }
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[at] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF].randomElement(using: &generator) ?? 0
            case 2: bytes.removeSubrange(at...)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + 7))
            case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 16)], at: at)
            default: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            }
        }
        return bytes
    }

    /// Makes the checksums of a PNG file right again, so that mutations reach what lies behind them.
    private func repairChecksums(_ file: [UInt8]) -> [UInt8] {
        guard file.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return file }
        var bytes = file
        var at = 8
        while at + 12 <= bytes.count {
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - at - 12 else { break }
            let sum = crc32(bytes[at + 4..<at + 8 + length])
            for i in 0..<4 {
                bytes[at + 8 + length + i] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32(i)))
            }
            at += 12 + length
        }
        return bytes
    }

    @Test func `mutated files end in an image or an error`() throws {
        var generator = Generator(state: Self.seed)
        let files =
            try Fixtures.fileNames().filter { !$0.hasPrefix("large") }.map(Fixtures.file)
            + FormatTests.cases.map { try $0.bytes() }
        let limits = ImageLimits(maxPixels: 200_000, maxSide: 4000, maxScans: 20, maxDecoderBytes: 4 << 20)
        var decoded = 0
        for round in 0..<Self.rounds {
            var bytes = mutate(files[round % files.count], using: &generator)
            if Bool.random(using: &generator) { bytes = repairChecksums(bytes) }
            let color: ColorMode = round % 3 == 0 ? .gray : .rgb
            do {
                let image = try ImageDecoder.decode(bytes[...], color: color, limits: limits).image
                #expect(image.pixels.count == image.width * image.height * color.channels)
                decoded += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect((1..<Self.rounds).contains(decoded), "seed \(Self.seed): \(decoded) files decoded")
    }
}
