import Foundation
import Testing

extension EndToEndTests {
    /// `martlet propose`, as a script reads it.
    @Suite struct ProposeTests {
        private struct Line: Decodable {
            let path: String
            let width: Int
            let height: Int
            let boxes: [[Int]]
        }

        private static let picture =
            Repository.root.appending(path: "Tests/ServingTests/Fixtures/squares.png").path

        private func lines(_ run: CommandRun) throws -> [Line] {
            try run.output.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
        }

        @Test func `a line for each file has its boxes, the same each time`() throws {
            let files = Array(repeating: Self.picture, count: 5)
            let run = try CommandRun(["propose"] + files)
            #expect(run.status == 0, "\(run.error)")
            let found = try lines(run)
            #expect(found.map(\.path) == files && found.allSatisfy { $0.boxes == found[0].boxes })
            // Two squares of 16 pixels, which smoothing widens by two on each side, and the whole picture.
            let whole = [0, 0, 128, 64]
            #expect(found[0].width == 128 && found[0].height == 64)
            #expect(found[0].boxes == [[94, 30, 114, 50], whole, [30, 14, 50, 34]])
            let one = try lines(CommandRun(["propose", Self.picture, "--quality", "--limit", "1"]))
            #expect(one.count == 1 && one[0].boxes.count == 1)
            let windows = try lines(CommandRun(["propose", Self.picture, "--method", "sliding-window"]))
            #expect(windows[0].boxes.first == whole && windows[0].boxes.count > 20)
        }

        @Test func `a file that is no image is told, and the others are answered`() throws {
            let run = try CommandRun(["propose", "missing.png", Self.picture])
            #expect(run.status == 1 && run.error.contains("missing.png"), "\(run.error)")
            #expect(try lines(run).map(\.path) == [Self.picture])
            let wrong = [
                ["--limit", "0"], ["--method", "magic"], ["--method", "sliding-window", "--quality"],
            ]
            for options in wrong {
                #expect(try CommandRun(["propose", Self.picture] + options).status == 2, "\(options)")
            }
        }
    }
}
