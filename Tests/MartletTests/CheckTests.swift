import Foundation
import Testing

/// `martlet check`, run as a person runs it.
@Suite struct CheckTests {
    private struct Report: Decodable {
        struct File: Decodable {
            struct Open: Decodable {
                let key: String
                let assumed: Int
            }
            struct Refused: Decodable {
                let node: String
                let op: String
            }
            struct Operator: Decodable {
                let op: String
                let nodes: Int
                let run: Int
                let blocked: Int
                let fused: Int
                let folded: Int
            }
            let path: String
            let ok: Bool
            let open: [Open]?
            let refused: [Refused]?
            let operators: [Operator]?
        }
        let ok: Bool
        let files: [File]
    }

    private static let network = "Tests/ServingTests/Fixtures/classifier.onnx"

    @Test func `says what runs how`() throws {
        let run = try CommandRun(["check", Self.network, "--json"])
        #expect(run.status == 0, "\(run.error)")
        let report = try run.decoded(Report.self)
        #expect(report.ok && report.files.map(\.path) == [Self.network])
        let convolutions = report.files[0].operators?.first { $0.op == "Conv" }
        #expect(convolutions.map { $0.nodes > 0 && $0.run == $0.nodes && $0.blocked == $0.nodes } == true)
        for row in report.files[0].operators ?? [] {
            #expect(row.nodes == row.run + row.fused + row.folded, "\(row.op)")
        }
        let text = try CommandRun(["check", Self.network])
        #expect(text.status == 0 && text.output.hasPrefix("\(Self.network): can be run\n"))
    }

    @Test func `looks at every file of a folder, and fails when one cannot be run`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "check-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "inner"),
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(at: folder) } // left behind at worst
        let good = try Data(contentsOf: URL(filePath: Repository.root.path + "/" + Self.network))
        try good.write(to: folder.appending(path: "a.onnx"))
        try Data([1, 2, 3]).write(to: folder.appending(path: "inner/b.onnx"))
        try Data([1, 2, 3]).write(to: folder.appending(path: "notes.txt"))
        let run = try CommandRun(["check", folder.path, "--json"])
        #expect(run.status == 1)
        #expect(run.error.contains("1 of 2 files cannot be run"))
        let report = try run.decoded(Report.self)
        #expect(report.files.map(\.ok) == [true, false])
        #expect(try CommandRun(["check", folder.path + "/nothing"]).status == 1)
    }
}
