import Foundation
import Support

/// One run of the `martlet` binary to its end, in the checkout's root.
struct CommandRun {
    let status: Int32
    let output: String
    let error: String

    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = Repository.daemon
        process.arguments = arguments
        process.currentDirectoryURL = Repository.root
        process.environment = Repository.environment.merging(environment) { $1 }
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        // What the commands complain of fits a pipe, so reading one after the other cannot block them.
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        status = process.terminationStatus
        self.output = String(decoding: printed, as: UTF8.self)
        self.error = String(decoding: complaint, as: UTF8.self)
    }

    /// The JSON on standard output.
    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(output.utf8))
    }
}
