internal import CKernels
internal import Platform

/// What the processor's kernels were compiled for.
package enum InstructionSet {
    /// Its name, such as `avx512`, `avx2` or `portable`: the best that the processor has, or what `MARTLET_ISA` says.
    package static var current: String { unsafe String(cString: kernel_isa()) }
}

/// The algorithms that were chosen for the weights of one model on one kind of machine, in a folder of such files.
///
/// A text: what it was made for, a line `algorithm<TAB>layer` for each choice, and a checksum. A file that is not
/// exactly that is as good as none.
struct TuningFile {
    private let folder: String
    private let path: String
    private let header: [String]

    private static let maxBytes = 1 << 20

    /// - Parameters:
    ///   - folder: made when the first file is written.
    ///   - weights: their fingerprint.
    ///   - processor: the model's name.
    ///   - isa: the instruction set of the kernels.
    init(
        folder: String,
        weights: UInt64,
        processor: String = Processors.modelName,
        isa: String = InstructionSet.current
    ) {
        self.folder = folder
        // The number rises when the kernels change so much that old measurements mislead.
        header = [
            "martlet tuning 1", "processor \(processor), \(isa)", "weights \(Self.hexadecimal(weights))",
        ]
        path = "\(folder)/\(Self.hexadecimal(Fingerprint.of(header.joined(separator: "\n")))).tuning"
    }

    /// The choices by layer; nil when there is no such file, or it is damaged.
    func read() -> [String: String]? {
        // A file that cannot be read is as good as none.
        guard let bytes = try? FileContents.read(path, maxBytes: Self.maxBytes),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let count = header.count
        guard lines.count >= count + 2, lines.last == "", Array(lines[..<count]) == header,
            lines[lines.count - 2] == Self.checksum(Array(lines.dropLast(2)))
        else { return nil }
        var choices: [String: String] = [:]
        for line in lines[count..<(lines.count - 2)] {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            choices[parts[1]] = parts[0]
        }
        return choices
    }

    /// Writes the choices; the file appears whole or not at all.
    ///
    /// - Throws: `SystemError` when the folder or the file cannot be written.
    func write(_ choices: [String: String]) throws(SystemError) {
        try Folder.create(folder)
        let lines = header + choices.sorted { $0.key < $1.key }.map { "\($0.value)\t\($0.key)" }
        let text = (lines + [Self.checksum(lines), ""]).joined(separator: "\n")
        let file = try OutputFile(path: path)
        try unsafe file.write(Array(text.utf8).span.bytes)
        try file.commit()
    }

    private static func checksum(_ lines: [String]) -> String {
        "checksum \(hexadecimal(Fingerprint.of(lines.joined(separator: "\n"))))"
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
