import Foundation
import Platform
import Testing

@Suite struct LineReaderTests {
    private func lines(_ bytes: [UInt8], maxBytes: Int = 1 << 20) throws -> [String] {
        let place = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try Data(bytes).write(to: place)
        defer { try? FileManager.default.removeItem(at: place) } // left for the system to clean
        var reader = try LineReader(path: place.path, maxBytes: maxBytes)
        var lines: [String] = []
        while let line = try reader.next() { lines.append(line) }
        return lines
    }

    @Test func `lines end as every system ends them, the last one also without`() throws {
        #expect(try lines(Array("a\nb\r\n\nc".utf8)) == ["a", "b", "", "c"])
        #expect(try lines([]) == [])
        #expect(try lines(Array("\n".utf8)) == [""])
    }

    @Test func `lines that no chunk holds whole are put together`() throws {
        let line = String(repeating: "x", count: 70_000)
        #expect(try lines(Array("\(line)1\n\(line)2\n".utf8)) == [line + "1", line + "2"])
    }

    @Test func `a line without an end is refused before it fills memory`() {
        #expect(throws: SystemError.self) {
            _ = try lines([UInt8](repeating: 65, count: 1 << 20), maxBytes: 1 << 16)
        }
    }
}
