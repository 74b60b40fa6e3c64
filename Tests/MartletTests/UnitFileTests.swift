import Foundation
import Testing

/// The systemd units of `deploy/`, as systemd itself reads them.
struct UnitFileTests {
    private static let analyze = "/usr/bin/systemd-analyze"
    private static var isHere: Bool { FileManager.default.isExecutableFile(atPath: analyze) }
    /// The highest exposure that `systemd-analyze security` may find, of 10.
    private static let maxExposure = 1.1

    /// The number of systemd's version; 0 where there is none.
    private static func version() throws -> Int {
        guard isHere else { return 0 }
        let words = try run(["--version"]).output.split(separator: " ")
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }

    @Test(.enabled(if: isHere)) func `systemd finds nothing to complain of`() throws {
        try withUnits { folder in
            let units = ["martlet.service", "martlet.socket"].map { "\(folder)/\($0)" }
            let found = try Self.run(["verify", "--man=no"] + units)
            #expect(found.output.isEmpty)
            #expect(found.status == 0)
        }
    }

    @Test(.enabled(if: isHere)) func `the service is exposed to as little as it can be`() throws {
        try withUnits { folder in
            let found = try Self.run([
                "security", "--offline=true", "--no-pager", "--threshold=\(Int(Self.maxExposure * 10))",
                "\(folder)/martlet.service",
            ])
            #expect(found.status == 0, "\(found.output.suffix(200))")
            let line = found.output.split(separator: "\n").last { $0.contains("Overall exposure level") }
            let level = line?.split(separator: " ").compactMap { Double($0) }.first
            #expect(level.map { $0 <= Self.maxExposure } == true, "\(line ?? "")")
        }
    }

    @Test(.enabled(if: try version() >= 253)) func `newer systemd waits for a reload`() throws {
        try withUnits { folder in
            let more = "martlet.service.d"
            try FileManager.default.copyItem(
                at: Repository.root.appending(path: "deploy/\(more)"),
                to: URL(filePath: folder).appending(path: more)
            )
            let found = try Self.run(["verify", "--man=no", "\(folder)/martlet.service"])
            #expect(found.output.isEmpty)
        }
    }

    /// A folder with the units, their program being the one under test.
    private func withUnits(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "units-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
        for name in ["martlet.service", "martlet.socket"] {
            let unit = try String(
                contentsOf: Repository.root.appending(path: "deploy/\(name)"),
                encoding: .utf8
            )
            try unit.replacing("/usr/bin/martlet", with: Repository.daemon.path).write(
                to: folder.appending(path: name),
                atomically: true,
                encoding: .utf8
            )
        }
        try body(folder.path)
    }

    /// Runs `systemd-analyze`; what it says on either stream is its output.
    private static func run(_ arguments: [String]) throws -> (output: String, status: Int32) {
        let process = Process()
        process.executableURL = URL(filePath: analyze)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: output, as: UTF8.self), process.terminationStatus)
    }
}
