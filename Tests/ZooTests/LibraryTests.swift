import Engine
import Foundation
import Testing
import Zoo

/// Networks against those of torchvision and timm: names and shapes of all tensors, trained numbers and multiply-adds.
///
/// With these equal, networks that are one table of several sizes differ from their library's only where all of them do:
/// LogitsTests has the smallest of each. `Fixtures/make_libraries.py` made the numbers of the libraries' modules.
struct LibraryTests {
    /// A line of the fixture.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let library: String
        let side: Int
        let parameters: Int
        let multiplyAdds: Int
        let tensors: Int
        let digest: String
        /// Names of tensors that tell the library.
        let telling: [String]

        var testDescription: String { "\(name) as \(library)" }

        fileprivate init?(_ line: Substring) {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let numbers = fields.dropFirst(2).prefix(4).compactMap { Int($0) }
            guard fields.count == 8, numbers.count == 4 else { return nil }
            (name, library) = (fields[0], fields[1])
            (side, parameters, multiplyAdds, tensors) = (numbers[0], numbers[1], numbers[2], numbers[3])
            (digest, telling) = (fields[6], fields[7].split(separator: " ").map(String.init))
        }

        var configuration: ArchitectureConfiguration {
            ArchitectureConfiguration(
                shapes: Dictionary(uniqueKeysWithValues: telling.map { ($0, Shape([])) }),
                imageSize: (side, side)
            )
        }
    }

    static let rows: [Row] = {
        guard let folder = Bundle.module.resourceURL,
            let text = try? String(
                contentsOf: folder.appending(path: "Fixtures/libraries.tsv"),
                encoding: .utf8
            )
        else { preconditionFailure("Fixtures/libraries.tsv cannot be read") } // a test without its fixture
        return text.split(separator: "\n").compactMap(Row.init)
    }()

    @Test(arguments: rows)
    func `has the library's tensors and its cost`(_ row: Row) throws {
        let graph = try Architecture.named(row.name).graph(row.configuration)
        let lines = graph.parameters.map { parameter in
            "\(parameter.name) \(parameter.shape.dimensions.map(String.init).joined(separator: "x"))"
        }
        #expect(lines.count == row.tensors)
        #expect(Self.digest(lines) == row.digest)
        #expect(LayerTable(graph).totals.parameters == row.parameters)
        #expect(graph.multiplyAdds == row.multiplyAdds)
    }

    /// FNV-1a of 64 bits.
    private static func digest(_ lines: [String]) -> String {
        let value = lines.sorted().joined(separator: "\n").utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
