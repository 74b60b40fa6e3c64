internal import CFuzzer
internal import Imaging

/// The program that fuzzes one reader: `Fuzz json -max_total_time=60 corpus`.
///
/// A target is a function of bytes that traps when the reader breaks its word. To add one (the framing of a new protocol, a
/// new metadata block): its function in a file here, its name in `Target`, a folder of seeds in `Tests/Fuzz/seeds`.
@main
enum Fuzz {
    /// The readers of bytes from outside.
    enum Target: String, CaseIterable {
        case request, query, multipart, packed, json, instances, safetensors, checkpoint, manifest, jpeg, png,
            webp, gif,
            bmp,
            exif, xmp, text, seal, sequences, settings, inference, onnx

        /// Reads bytes as this target does.
        func run(_ bytes: [UInt8]) {
            switch self {
            case .request: fuzzRequest(bytes)
            case .query: fuzzQuery(bytes)
            case .multipart: fuzzMultipart(bytes)
            case .packed: fuzzPacked(bytes)
            case .json: fuzzJSON(bytes)
            case .instances: fuzzInstances(bytes)
            case .safetensors: fuzzSafetensors(bytes)
            case .checkpoint: fuzzCheckpoint(bytes)
            case .manifest: fuzzManifest(bytes)
            case .jpeg, .png, .webp, .gif, .bmp: fuzzImage(bytes)
            case .exif: fuzzExif(bytes)
            case .xmp: fuzzXMP(bytes)
            case .text: fuzzText(bytes)
            case .seal: fuzzSeal(bytes)
            case .sequences: fuzzSequences(bytes)
            case .settings: fuzzSettings(bytes)
            case .inference: fuzzInference(bytes)
            case .onnx: fuzzONNX(bytes)
            }
        }
    }

    static func main() {
        guard target != nil else {
            print(Target.allCases.map(\.rawValue).joined(separator: "\n"))
            return
        }
        // libFuzzer takes every argument but the target's name.
        var arguments = unsafe CommandLine.unsafeArgv
        unsafe arguments[1] = arguments[0]
        unsafe arguments += 1
        var count = CommandLine.argc - 1
        let status = unsafe withUnsafeMutablePointer(to: &arguments) { pointer in
            unsafe pointer.withMemoryRebound(
                to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self,
                capacity: 1
            ) {
                unsafe LLVMFuzzerRunDriver(&count, $0) { bytes, size in
                    target?.run(unsafe Array(UnsafeBufferPointer(start: bytes, count: size)))
                    return 0
                }
            }
        }
        precondition(status == 0, "libFuzzer ended with \(status)")
    }
}

/// What the first argument names; nil lists the targets.
private let target = CommandLine.arguments.dropFirst().first.flatMap(Fuzz.Target.init)

/// Traps with a sentence when a reader breaks its word; in every build, unlike `assert`.
func require(_ condition: Bool, _ promise: @autoclosure () -> String) {
    if !condition { fatalError("broken promise: \(promise())") }
}

/// Runs `body`; nil when it throws, which a reader of bytes from outside may always do.
func attempt<Value>(_ body: () throws -> Value) -> Value? {
    do { return try body() } catch { return nil }
}
