import FakeHub
import Foundation
import Synchronization
import Testing

/// What the command needs: without it says so before it asks anybody.
private enum PullClient {
    static let isThere =
        (try? CommandRun(["pull", "no repository"]))?.error.contains("cannot be loaded") == false
}

extension EndToEndTests {
    /// `martlet pull` as a person runs it, with what may end it in between.
    @Suite(.enabled(if: PullClient.isThere, "libcurl is not installed"))
    struct PullTests {
        private static func repository(licence: String?) throws -> FakeRepository {
            var files: [String: [UInt8]] = [:]
            for name in ["model.json", "labels.txt", "model.safetensors"] {
                files[name] = [UInt8](
                    try Data(contentsOf: Repository.weights.appending(path: "digits/\(name)"))
                )
            }
            return FakeRepository("martlet/digits", files, licence: licence)
        }

        private func inFolder(_ body: (String) throws -> Void) throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "pull-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
            try body(folder.path)
        }

        private func names(_ folder: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        }

        private struct Report: Decodable {
            struct File: Decodable {
                let name: String
                let bytes: Int
                let resumed_at: Int?
            }
            let model: String
            let revision: String
            let license: String?
            let warning: String?
            let dry_run: Bool
            let files: [File]
        }

        @Test func `what was pulled classifies`() throws {
            let repository = try Self.repository(licence: nil)
            let hub = try FakeHub { repository.reply(to: $0) }
            let environment = ["HF_ENDPOINT": hub.url, "HF_HOME": "/nowhere"]
            try inFolder { folder in
                let arguments = ["pull", "martlet/digits", "--models", folder, "--json"]
                let dry = try CommandRun(arguments + ["--dry-run"], environment: environment)
                #expect(try dry.decoded(Report.self).dry_run && names(folder).isEmpty)
                let run = try CommandRun(arguments, environment: environment)
                #expect(run.status == 0, "\(run.error)")
                let report = try run.decoded(Report.self)
                #expect(report.files.map(\.name) == ["model.json", "labels.txt", "model.safetensors"])
                #expect(report.revision == FakeRepository.commit && report.license == nil)
                #expect(
                    report.warning?.hasPrefix("no licence is stated at \(hub.url)/martlet/digits") == true
                )
                #expect(run.error.contains("no licence is stated"))
                let image = "weights/examples/digit-7.png"
                let answer = try CommandRun(["classify", image, "--models", folder, "--model", "digits"])
                #expect(answer.status == 0 && answer.output.contains(" 7"), "\(answer.error)")
                let again = try CommandRun(arguments, environment: environment)
                #expect(again.status == 1 && again.error.contains("is there already"))
            }
        }

        @Test(arguments: [SIGKILL, SIGINT])
        func `a pull that is ended leaves nothing half-written, and the next goes on`(_ signal: Int32) throws
        {
            let repository = try Self.repository(licence: "mit")
            let stalls = Mutex(true)
            let hub = try FakeHub { ask in
                var reply = repository.reply(to: ask)
                if ask.path.hasSuffix(".safetensors"), stalls.withLock({ $0 }) {
                    (reply.cut, reply.stalls) = (100_000, true)
                }
                return reply
            }
            let environment = ["HF_ENDPOINT": hub.url, "HF_HOME": "/nowhere"]
            try inFolder { folder in
                let arguments = ["pull", "martlet/digits", "--models", folder, "--json"]
                let process = Process()
                process.executableURL = Repository.daemon
                process.arguments = arguments
                process.environment = Repository.environment.merging(environment) { $1 }
                process.standardError = FileHandle.nullDevice
                try Self.startWithDefaultSignalMask(process)
                #expect(Self.waits { (try? Self.partialCount(folder)) == 100_000 })
                kill(process.processIdentifier, signal)
                process.waitUntilExit()
                #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
                #expect(try names(folder) == [".pull"])
                #expect(
                    try CommandRun(["models", "--models", folder, "--json"]).output.contains(#""models":[]"#)
                )
                stalls.withLock { $0 = false }
                let run = try CommandRun(arguments, environment: environment)
                #expect(run.status == 0, "\(run.error)")
                #expect(try run.decoded(Report.self).files.last?.resumed_at == 100_000)
                #expect(try names(folder) == ["digits"])
            }
        }

        /// A child inherits the signal mask of the thread that starts it, and the threads that run tests block nearly all.
        private static func startWithDefaultSignalMask(_ process: Process) throws {
            var (none, previous) = (sigset_t(), sigset_t())
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, &previous)
            defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
            try process.run()
        }

        /// How much of the weights has come.
        private static func partialCount(_ folder: String) throws -> Int {
            let partial = folder + "/.pull/digits.partial"
            let name = try FileManager.default.contentsOfDirectory(atPath: partial).first {
                $0.hasSuffix(".part")
            }
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(partial)/\(name ?? "")")
            return attributes[.size] as? Int ?? 0
        }

        private static func waits(_ condition: () -> Bool) -> Bool {
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                if condition() { return true }
                usleep(10_000)
            }
            return false
        }
    }
}
