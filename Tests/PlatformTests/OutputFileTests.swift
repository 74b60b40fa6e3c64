import Foundation
import Platform
import Testing

@Suite struct OutputFileTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private var names: [String] { (try? DirectoryListing.names(in: folder.path)) ?? [] }

    @Test func `a file has no name before it is whole, and replaces what was there`() throws {
        defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
        let path = folder.appending(path: "a").path
        for text in ["first", "second"] {
            let before = names
            let file = try OutputFile(path: path)
            try file.write(Array(text.utf8))
            #expect(names == before)
            try file.commit()
            #expect(try FileContents.read(path, maxBytes: 100) == Array(text.utf8))
            #expect(names == ["a"])
        }
    }

    @Test func `what is not committed leaves nothing, and the old file as it was`() throws {
        defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
        let path = folder.appending(path: "a").path
        try Data("old".utf8).write(to: URL(filePath: path))
        do {
            let file = try OutputFile(path: path)
            try file.write(Array("new".utf8))
        }
        #expect(names == ["a"])
        #expect(try FileContents.read(path, maxBytes: 100) == Array("old".utf8))
    }

    @Test func `what a killed process left is in nobody's way`() throws {
        defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
        let path = folder.appending(path: "a").path
        try Data("half".utf8).write(to: URL(filePath: path + ".partial"))
        for text in ["first", "second"] {
            let file = try OutputFile(path: path)
            try file.write(Array(text.utf8))
            try file.commit()
            #expect(try FileContents.read(path, maxBytes: 100) == Array(text.utf8))
        }
        // Who replaces a file needs that name.
        #expect(names == ["a"])
    }

    @Test func `a folder that is not there is said`() throws {
        defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
        #expect(throws: SystemError.self) { _ = try OutputFile(path: folder.path + "/none/a") }
    }

    @Test func `a file in place of a folder is said, and nothing is left`() throws {
        defer { try? FileManager.default.removeItem(at: folder) } // left for the system to clean
        let path = folder.appending(path: "a").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(throws: SystemError.self) {
            let file = try OutputFile(path: path)
            try file.commit()
        }
        #expect(names == ["a"])
    }
}
